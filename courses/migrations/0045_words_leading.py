from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0044_courses_free_title")]

    operations = [
        migrations.AddIndex(
            model_name="courseword",
            index=models.Index(fields=["word", "leads", "course"], name="course_words_leading"),
        ),
    ]
