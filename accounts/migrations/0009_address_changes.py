import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.addresses


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_refused_addresses")]

    operations = [
        migrations.CreateModel(
            name="AddressChange",
            fields=[
                ("user", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="address_change", serialize=False, to=settings.AUTH_USER_MODEL)),
                ("email", accounts.addresses.AddressField(max_length=254)),
                ("asked_with", models.CharField(max_length=64)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "address_changes"},
        ),
    ]
