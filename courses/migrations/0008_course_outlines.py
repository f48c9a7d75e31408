import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0007_next_sessions")]

    operations = [
        migrations.CreateModel(
            name="CourseOutline",
            fields=[
                (
                    "course",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="outline",
                        serialize=False,
                        to="courses.course",
                    ),
                ),
                ("sessions_count", models.PositiveIntegerField()),
                ("starts", models.JSONField()),
            ],
            options={"db_table": "course_outlines"},
        ),
    ]
