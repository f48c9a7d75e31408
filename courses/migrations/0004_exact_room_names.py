from django.db import migrations

import common.fields
import courses.models


class Migration(migrations.Migration):
    dependencies = [("courses", "0003_rescheduled_at")]

    operations = [
        migrations.AlterField("coursesession", "room_name", common.fields.ExactCharField(default=courses.models.new_room_name, editable=False, max_length=100, unique=True)),
    ]
