from django.db import migrations
from django.db.models import CharField, F, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat


def take_over(apps, schema_editor):
    """What was sold before titles were kept gets today's, which is the nearest there is."""
    sessions = apps.get_model("courses", "CourseSession").objects.filter(pk=OuterRef("session_id"))
    number = Cast("session_number", CharField(max_length=10))
    numbered = sessions.values(name=Concat(number, Value(". "), F("title")))
    parts = apps.get_model("payments", "HoldPart").objects
    parts.update(sold_title=Subquery(numbered))
    course = parts.filter(hold=OuterRef("pk")).order_by().values("session__course__title")[:1]
    holds = apps.get_model("payments", "PaymentHold").objects
    holds.update(sold_title=Coalesce(Subquery(course), Value("")))


class Migration(migrations.Migration):
    dependencies = [("payments", "0014_part_sold_title"), ("courses", "0003_rescheduled_at")]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop, elidable=True)]
