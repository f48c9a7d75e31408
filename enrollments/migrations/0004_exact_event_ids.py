from django.db import migrations

import common.fields


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0003_attendance")]

    operations = [
        migrations.AlterField("webhookevent", "event_id", common.fields.ExactCharField(max_length=100, unique=True)),
    ]
