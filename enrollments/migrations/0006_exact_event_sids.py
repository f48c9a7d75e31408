from django.db import migrations

import common.fields


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0005_exact_event_rooms")]

    operations = [
        migrations.AlterField("webhookevent", "room_sid", common.fields.ExactCharField(blank=True, max_length=100)),
    ]
