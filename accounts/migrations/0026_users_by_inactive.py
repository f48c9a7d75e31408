from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0025_users_inactive")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["inactive", "date_joined"], name="users_by_inactive"),
        ),
    ]
