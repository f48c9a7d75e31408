from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0006_sessions_on_offer")]

    operations = [
        migrations.AddIndex(
            model_name="coursesession",
            index=models.Index(
                fields=["course", "on_offer", "starts_at"], name="course_sessions_next"
            ),
        ),
    ]
