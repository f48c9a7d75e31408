from django.db import migrations

import accounts.models
import common.fields


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_exact_addresses")]

    operations = [
        migrations.AlterField("user", "referral_code", common.fields.ExactCharField(default=accounts.models.new_referral_code, max_length=20, unique=True)),
    ]
