from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0025_course_enrollments_by_status")]

    operations = [
        migrations.AddIndex(
            model_name="courseenrollment",
            index=models.Index(fields=["enrolled_at"], name="course_enrollments_newest"),
        ),
    ]
