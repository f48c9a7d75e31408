from django.db import migrations

from common.words import words_in

BATCH = 500


def write(apps, schema_editor):
    """The words of the names that teachers have, a batch of teachers at a time."""
    rows = apps.get_model("accounts", "NameWord")
    teachers = apps.get_model("accounts", "User").objects.filter(is_teacher=True).order_by("pk")
    batch = list(teachers[:BATCH])
    while batch:
        named = ((teacher, word) for teacher in batch for word in words_in(teacher.display_name))
        rows.objects.bulk_create([rows(user=teacher, word=word) for teacher, word in named], 1000)
        batch = list(teachers.filter(pk__gt=batch[-1].pk)[:BATCH])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_user_words")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
