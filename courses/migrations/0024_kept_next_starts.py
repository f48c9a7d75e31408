from django.db import migrations
from django.db.models import OuterRef, Subquery
from django.utils import timezone


def fill(apps, schema_editor):
    """When the next session of every course starts."""
    sessions = apps.get_model("courses", "CourseSession").objects
    to_come = sessions.filter(course=OuterRef("pk"), on_offer=1, starts_at__gt=timezone.now())
    first = Subquery(to_come.order_by("starts_at").values("starts_at")[:1])
    apps.get_model("courses", "Course").objects.update(next_starts_at=first)


class Migration(migrations.Migration):
    dependencies = [("courses", "0023_next_starts")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
