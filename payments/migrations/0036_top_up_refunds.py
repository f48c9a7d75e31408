import common.fields
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0035_disputes_stay'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='TopUpRefund',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('status', models.CharField(choices=[('requested', 'Requested'), ('sent', 'Sent'), ('succeeded', 'Succeeded'), ('failed', 'Failed')], default='requested', max_length=20)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('processor_id', common.fields.ExactCharField(max_length=255, null=True, unique=True)),
                ('requested_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('sent_at', models.DateTimeField(null=True)),
                ('succeeded_at', models.DateTimeField(null=True)),
                ('failed_at', models.DateTimeField(null=True)),
                ('failure', models.CharField(blank=True, max_length=200)),
                ('problem', models.CharField(blank=True, max_length=200)),
                ('looks', models.PositiveSmallIntegerField(default=0)),
                ('next_look_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='asked_refunds', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='payments.topuprefund')),
                ('top_up', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='payments.topup')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'top_up_refunds',
                'indexes': [
                    models.Index(fields=['user', '-requested_at', '-id'], name='top_up_refunds_mine'),
                    models.Index(fields=['next_look_at'], name='top_up_refunds_to_look_at'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='top_up_refunds_amount'),
                    models.CheckConstraint(condition=models.Q(models.Q(('failed_at__isnull', True), ('sent_at__isnull', True), ('status', 'requested'), ('succeeded_at__isnull', True)), models.Q(('failed_at__isnull', True), ('sent_at__isnull', False), ('status', 'sent'), ('succeeded_at__isnull', True)), models.Q(('failed_at__isnull', True), ('sent_at__isnull', False), ('status', 'succeeded'), ('succeeded_at__isnull', False)), models.Q(('failed_at__isnull', False), ('status', 'failed')), _connector='OR'), name='top_up_refunds_steps'),
                ],
                'permissions': [('refund_topup', 'Can refund top-ups')],
            },
        ),
    ]
