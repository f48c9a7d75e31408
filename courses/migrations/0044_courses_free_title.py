from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0043_courses_free_cheapest")]

    operations = [
        migrations.AddIndex(
            model_name="course",
            index=models.Index(fields=["free", "title", "-created_at", "-id"], name="courses_free_title"),
        ),
    ]
