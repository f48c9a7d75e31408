from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_words_of_teachers")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["is_staff"], name="users_staff"),
        ),
    ]
