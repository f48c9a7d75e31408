from django.db import migrations
from django.db.models import OuterRef, Subquery


def take_over(apps, schema_editor):
    """What was sold before lengths were kept gets today's length of its session."""
    session = apps.get_model("courses", "CourseSession").objects.filter(pk=OuterRef("session_id"))
    parts = apps.get_model("payments", "HoldPart").objects
    parts.update(sold_duration_minutes=Subquery(session.values("duration_minutes")))


class Migration(migrations.Migration):
    dependencies = [("payments", "0010_sold_duration")]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop, elidable=True)]
