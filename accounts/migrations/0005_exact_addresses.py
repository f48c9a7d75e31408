from django.db import migrations

import accounts.addresses


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_normal_addresses")]

    operations = [
        migrations.AlterField("user", "email", accounts.addresses.AddressField(max_length=254, unique=True)),
    ]
