from django.db import migrations

import common.fields


class Migration(migrations.Migration):
    dependencies = [("payments", "0011_sold_durations")]

    operations = [
        migrations.AlterField("transfer", "dedupe_key", common.fields.ExactCharField(max_length=100, unique=True)),
    ]
