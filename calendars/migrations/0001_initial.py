"""The table is there: `enrollments` made it, before calendars had an app of their own."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('enrollments', '0022_calendar_feeds'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='CalendarFeed',
                    fields=[
                        ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='calendar_feed', serialize=False, to=settings.AUTH_USER_MODEL)),
                        ('serial', models.PositiveIntegerField(default=0)),
                        ('fetched_at', models.DateTimeField(null=True)),
                    ],
                    options={
                        'db_table': 'calendar_feeds',
                    },
                ),
            ],
        ),
    ]
