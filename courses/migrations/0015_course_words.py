import django.db.models.deletion
from django.db import migrations, models

import common.fields


class Migration(migrations.Migration):
    dependencies = [("courses", "0014_course_descriptions")]

    operations = [
        migrations.CreateModel(
            name="CourseWord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "word",
                        "course",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("word", common.fields.ExactCharField(max_length=40)),
                ("leads", models.BooleanField()),
                (
                    "course",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="words",
                        to="courses.course",
                    ),
                ),
            ],
            options={
                "db_table": "course_words",
                "indexes": [
                    models.Index(fields=["course", "word"], name="course_words_of_course")
                ],
            },
        ),
    ]
