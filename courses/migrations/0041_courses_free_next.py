from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0040_courses_free")]

    operations = [
        migrations.AddIndex(
            model_name="course",
            index=models.Index(fields=["free", "next_starts_at", "-created_at", "-id"], name="courses_free_next"),
        ),
    ]
