from django.db import migrations

import common.fields


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0007_exact_connections")]

    operations = [
        migrations.AlterField("attendance", "room_sid", common.fields.ExactCharField(max_length=100)),
    ]
