import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0011_terms_version'),
        ('rooms', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RoomDeed',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('removed', 'Removed a student'), ('muted', 'Muted a student'), ('sharing', 'Let a student share the screen'), ('ended', 'Ended the session for all'), ('knocked', 'Asked for a pass after the teacher ended the session')], max_length=20)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('undone_at', models.DateTimeField(null=True)),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='room_deeds', to='courses.coursesession')),
                ('undone_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='room_deeds', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'room_deeds',
                'indexes': [models.Index(fields=['session', 'kind'], name='room_deeds_of_session')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['removed', 'muted', 'sharing', 'ended', 'knocked'])), name='room_deeds_kind_known')],
            },
        ),
    ]
