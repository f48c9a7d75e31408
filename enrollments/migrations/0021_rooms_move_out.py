"""Who was in a room is known to the app `rooms`: the tables stay, what names them follows.

Content types are renamed in place, so that permissions and the log of what staff did keep them.
"""

from django.contrib.contenttypes.models import ContentType
from django.db import migrations

MODELS = ("attendance", "roomwatch", "webhookevent")


def to_rooms(apps, schema_editor):
    _rename(apps, schema_editor, "enrollments", "rooms")


def to_enrollments(apps, schema_editor):
    _rename(apps, schema_editor, "rooms", "enrollments")


def _rename(apps, schema_editor, old, new):
    types = apps.get_model("contenttypes", "ContentType").objects
    types = types.using(schema_editor.connection.alias).filter(model__in=MODELS)
    for model in types.filter(app_label=old).values_list("model", flat=True):
        # One that a migration half-way has left, and that nothing names yet.
        types.filter(app_label=new, model=model).delete()
    types.filter(app_label=old).update(app_label=new)
    ContentType.objects.clear_cache()


class Migration(migrations.Migration):
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("enrollments", "0020_purchases_no_longer_to_come"),
        ("rooms", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="Attendance"),
                migrations.DeleteModel(name="RoomWatch"),
                migrations.DeleteModel(name="WebhookEvent"),
            ],
        ),
        migrations.RunPython(to_rooms, to_enrollments, elidable=False),
    ]
