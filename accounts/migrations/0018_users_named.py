from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0017_users_joined")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["display_name"], name="users_named"),
        ),
    ]
