"""Finds the enrolments to which everything paid came back, and which are to end."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrollments", "0016_signs_of_before"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="courseenrollment",
            index=models.Index(
                fields=["payment_status", "live"], name="course_enrollments_refunded"
            ),
        ),
    ]
