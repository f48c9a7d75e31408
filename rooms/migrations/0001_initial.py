"""The tables are there: `enrollments` made them, before rooms had an app of their own."""

import common.fields
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('courses', '0009_outline_courses'),
        ('enrollments', '0020_purchases_no_longer_to_come'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='Attendance',
                    fields=[
                        ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('connection', common.fields.ExactCharField(max_length=100)),
                        ('room_sid', common.fields.ExactCharField(max_length=100)),
                        ('joined_at', models.DateTimeField(null=True)),
                        ('left_at', models.DateTimeField(null=True)),
                        ('seen_at', models.DateTimeField()),
                        ('gone_at', models.DateTimeField(null=True)),
                        ('removed', models.BooleanField(default=False)),
                        ('source', models.CharField(choices=[('webhook', 'Webhook'), ('poll', 'Poll')], max_length=20)),
                        ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attendances', to='courses.coursesession')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attendances', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'db_table': 'attendances',
                        'indexes': [models.Index(fields=['session', 'user'], name='attendances_of_session')],
                        'constraints': [models.UniqueConstraint(fields=('session', 'connection'), name='attendances_one_per_connection'), models.CheckConstraint(condition=models.Q(('source__in', ['webhook', 'poll'])), name='attendances_source_known')],
                    },
                ),
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
                migrations.CreateModel(
                    name='WebhookEvent',
                    fields=[
                        ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                        ('event_id', common.fields.ExactCharField(max_length=100, unique=True)),
                        ('kind', models.CharField(max_length=100)),
                        ('room_name', common.fields.ExactCharField(blank=True, max_length=255)),
                        ('room_sid', common.fields.ExactCharField(blank=True, max_length=100)),
                        ('occurred_at', models.DateTimeField(null=True)),
                        ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('processed_at', models.DateTimeField(null=True)),
                        ('note', models.CharField(blank=True, max_length=200)),
                        ('body', models.TextField()),
                        ('session', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='webhook_events', to='courses.coursesession')),
                    ],
                    options={
                        'db_table': 'webhook_events',
                        'indexes': [models.Index(fields=['session', 'kind'], name='webhook_events_of_session'), models.Index(fields=['processed_at'], name='webhook_events_waiting')],
                    },
                ),
            ],
        ),
    ]
