from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_exact_referral_codes")]

    operations = [
        migrations.AddField("user", "proved_since", models.DateTimeField(blank=True, null=True)),
    ]
