from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_addresses_of_before")]

    operations = [
        migrations.AddField("user", "email_vouched", models.BooleanField(default=False)),
    ]
