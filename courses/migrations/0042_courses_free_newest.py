from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0041_courses_free_next")]

    operations = [
        migrations.AddIndex(
            model_name="course",
            index=models.Index(fields=["free", "-created_at", "-id"], name="courses_free_newest"),
        ),
    ]
