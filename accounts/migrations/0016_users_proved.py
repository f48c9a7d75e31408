from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_users_refused")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["proved_since"], name="users_proved"),
        ),
    ]
