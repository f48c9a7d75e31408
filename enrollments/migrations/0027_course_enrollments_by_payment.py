from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0026_course_enrollments_newest")]

    operations = [
        migrations.AddIndex(
            model_name="courseenrollment",
            index=models.Index(fields=["payment_status"], name="course_enrollments_by_payment"),
        ),
    ]
