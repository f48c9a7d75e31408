from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0027_course_enrollments_by_payment")]

    operations = [
        migrations.AddIndex(
            model_name="sessionpurchase",
            index=models.Index(fields=["status"], name="session_purchases_by_status"),
        ),
    ]
