"""Feeds are known to the app `calendars`: the table stays, what names it follows.

The content type is renamed in place, so that permissions and the log of what staff did keep it.
"""

from django.contrib.contenttypes.models import ContentType
from django.db import migrations


def to_calendars(apps, schema_editor):
    _rename(apps, schema_editor, "enrollments", "calendars")


def to_enrollments(apps, schema_editor):
    _rename(apps, schema_editor, "calendars", "enrollments")


def _rename(apps, schema_editor, old, new):
    types = apps.get_model("contenttypes", "ContentType").objects
    types = types.using(schema_editor.connection.alias).filter(model="calendarfeed")
    if types.filter(app_label=old).exists():
        # One that a migration half-way has left, and that nothing names yet.
        types.filter(app_label=new).delete()
    types.filter(app_label=old).update(app_label=new)
    ContentType.objects.clear_cache()


class Migration(migrations.Migration):
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("enrollments", "0023_session_reminders"),
        ("calendars", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.DeleteModel(name="CalendarFeed")],
        ),
        migrations.RunPython(to_calendars, to_enrollments, elidable=False),
    ]
