from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0023_users_teaching")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["teaching", "date_joined"], name="users_by_teaching"),
        ),
    ]
