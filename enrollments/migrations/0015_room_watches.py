import common.fields
import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0005_sessions_with_a_share'),
        ('enrollments', '0014_attendances_gone_at'),
    ]

    operations = [
        migrations.CreateModel(
            name='RoomWatch',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('room_sid', common.fields.ExactCharField(blank=True, max_length=100)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('seen_at', models.DateTimeField()),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='room_watches', to='courses.coursesession')),
            ],
            options={
                'db_table': 'room_watches',
                'indexes': [models.Index(fields=['session', 'room_sid'], name='room_watches_of_session')],
            },
        ),
    ]
