from django.db import migrations

from common.words import alike
from courses.lists import CATEGORIES


def fill(apps, schema_editor):
    """Those that we listed, and those of courses, in the order of the alphabet."""
    used = apps.get_model("courses", "Course").objects.values_list("category", flat=True).distinct()
    names = {alike(name): name for name in [*used, *CATEGORIES] if name.strip()}
    rows = apps.get_model("courses", "Category")
    rows.objects.bulk_create(
        rows(name=name, key=key, position=10 * place)
        for place, (key, name) in enumerate(sorted(names.items()), 1)
    )


def empty(apps, schema_editor):
    apps.get_model("courses", "Category").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("courses", "0018_categories")]

    operations = [migrations.RunPython(fill, empty)]
