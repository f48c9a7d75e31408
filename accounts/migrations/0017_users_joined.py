from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0016_users_proved")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["date_joined"], name="users_joined"),
        ),
    ]
