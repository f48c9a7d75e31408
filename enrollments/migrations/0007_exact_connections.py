from django.db import migrations

import common.fields


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0006_exact_event_sids")]

    operations = [
        migrations.AlterField("attendance", "connection", common.fields.ExactCharField(max_length=100)),
    ]
