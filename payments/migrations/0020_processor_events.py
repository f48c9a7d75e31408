import common.fields
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0019_top_ups'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProcessorEvent',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('event_id', common.fields.ExactCharField(max_length=255, unique=True)),
                ('type', models.CharField(max_length=100)),
                ('live', models.BooleanField()),
                ('object_id', common.fields.ExactCharField(blank=True, max_length=255)),
                ('created', models.DateTimeField()),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('processed_at', models.DateTimeField(null=True)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('top_up', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='payments.topup')),
            ],
            options={
                'db_table': 'processor_events',
                'indexes': [
                    models.Index(fields=['processed_at'], name='processor_events_waiting'),
                ],
            },
        ),
    ]
