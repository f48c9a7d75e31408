from django.db import migrations
from django.db.models import Exists, OuterRef


def take_off_the_price(apps, schema_editor):
    """What was called off before anybody paid for it has no share of the full price."""
    paid = apps.get_model("payments", "HoldPart").objects.filter(
        session=OuterRef("pk"), amount__gt=0
    )
    called_off = apps.get_model("courses", "CourseSession").objects.filter(status="cancelled")
    called_off.update(has_share=Exists(paid))


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0005_sessions_with_a_share"),
        ("payments", "0015_sold_titles"),
    ]

    operations = [migrations.RunPython(take_off_the_price, migrations.RunPython.noop)]
