from django.db import migrations

import common.fields


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0004_exact_event_ids")]

    operations = [
        migrations.AlterField("webhookevent", "room_name", common.fields.ExactCharField(blank=True, max_length=255)),
    ]
