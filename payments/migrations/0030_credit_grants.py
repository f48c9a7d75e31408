import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0029_debts_stay'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('reason', models.CharField(max_length=500)),
                ('status', models.CharField(choices=[('asked', 'Asked'), ('granted', 'Granted'), ('refused', 'Refused')], default='asked', max_length=20)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('decided_at', models.DateTimeField(null=True)),
                ('notes', models.CharField(blank=True, max_length=500)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='asked_grants', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decided_grants', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'credit_grants',
                'indexes': [
                    models.Index(fields=['asked_by', 'asked_at'], name='credit_grants_of_a_day'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='credit_grants_amount'),
                    models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('status', 'asked')), models.Q(('decided_at__isnull', False), ('status', 'granted')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('status', 'refused')), _connector='OR'), name='credit_grants_decided'),
                    models.CheckConstraint(condition=models.Q(('asked_by', models.F('user')), _negated=True), name='credit_grants_not_to_oneself'),
                    models.CheckConstraint(condition=models.Q(models.Q(('decided_by', models.F('asked_by')), _negated=True), models.Q(('decided_by', models.F('user')), _negated=True)), name='credit_grants_four_eyes'),
                ],
            },
        ),
    ]
