from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0024_calendars_move_out")]

    operations = [
        migrations.AddIndex(
            model_name="courseenrollment",
            index=models.Index(fields=["status"], name="course_enrollments_by_status"),
        ),
    ]
