from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0046_words_at")]

    operations = [
        migrations.AddIndex(
            model_name="course",
            index=models.Index(fields=["words_at"], name="courses_words_at"),
        ),
    ]
