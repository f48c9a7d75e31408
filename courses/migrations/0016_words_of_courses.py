from django.db import migrations

from common.markdown import to_words
from common.words import words_in

BATCH = 200


def write(apps, schema_editor):
    """The words of every course that is listed, a batch of courses at a time."""
    rows = apps.get_model("courses", "CourseWord").objects
    listed = apps.get_model("courses", "Course").objects.filter(
        status="published", by_link_only=False
    )
    found = listed.select_related("description_made").order_by("pk")
    batch = list(found[:BATCH])
    while batch:
        rows.bulk_create([word for course in batch for word in _words(rows.model, course)], 1000)
        batch = list(found.filter(pk__gt=batch[-1].pk)[:BATCH])


def _words(row, course):
    made = getattr(course, "description_made", None)
    leading = words_in(f"{course.title} {course.category} {course.language} {course.level}")
    described_by = words_in(to_words(made.html) if made else course.description)
    for word in leading | described_by:
        yield row(course_id=course.pk, word=word, leads=word in leading)


class Migration(migrations.Migration):
    dependencies = [("courses", "0015_course_words")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
