from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_proved_addresses")]

    operations = [
        migrations.AddField("user", "email_refused", models.BooleanField(default=False)),
    ]
