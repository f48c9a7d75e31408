from collections import Counter

from django.db import migrations

from common.words import alike
from courses.lists import CATEGORIES, all_languages

BATCH = 500


def merge(apps, schema_editor):
    """What differs by case or spaces alone becomes one: as we list it, or as most courses have it."""
    courses = apps.get_model("courses", "Course").objects
    for column, listed in (("language", all_languages()), ("category", CATEGORIES)):
        written = dict(courses.values_list("pk", column))
        counted = Counter(written.values())
        spelled = {alike(word): word for word, _ in reversed(counted.most_common())}
        spelled |= {alike(word): word for word in listed}
        wrong = {}
        for key, word in written.items():
            if word != spelled[alike(word)]:
                wrong.setdefault(spelled[alike(word)], []).append(key)
        for word, keys in wrong.items():
            for start in range(0, len(keys), BATCH):
                courses.filter(pk__in=keys[start : start + BATCH]).update(**{column: word})


class Migration(migrations.Migration):
    dependencies = [("courses", "0016_words_of_courses")]

    operations = [migrations.RunPython(merge, migrations.RunPython.noop)]
