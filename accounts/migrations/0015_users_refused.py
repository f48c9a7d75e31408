from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0014_users_staff")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["email_refused"], name="users_refused"),
        ),
    ]
