import common.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
import payments.models.topups
import uuid_utils.compat
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0018_kinds_of_money_from_outside'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='TopUp',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('method', models.CharField(choices=[('stripe', 'Card'), ('rehearsal', 'Rehearsal')], max_length=20)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('currency', models.CharField(default='usd', max_length=3)),
                ('status', models.CharField(choices=[('created', 'Created'), ('paid', 'Paid'), ('expired', 'Expired'), ('failed', 'Failed')], default='created', max_length=20)),
                ('refunded_amount', models.DecimalField(decimal_places=2, default=Decimal('0.00'), max_digits=12)),
                ('disputed_amount', models.DecimalField(decimal_places=2, default=Decimal('0.00'), max_digits=12)),
                ('reference', common.fields.ExactCharField(default=payments.models.topups.new_reference, max_length=20, unique=True)),
                ('return_path', models.CharField(blank=True, max_length=500)),
                ('return_url', models.CharField(blank=True, max_length=500)),
                ('parameters', models.JSONField(default=dict)),
                ('checkout_session', common.fields.ExactCharField(max_length=90, null=True, unique=True)),
                ('checkout_url', models.TextField(blank=True)),
                ('payment_intent', common.fields.ExactCharField(blank=True, max_length=255)),
                ('charge', common.fields.ExactCharField(blank=True, max_length=255)),
                ('live', models.BooleanField(default=False)),
                ('expires_at', models.DateTimeField()),
                ('pending_since', models.DateTimeField(null=True)),
                ('paid_at', models.DateTimeField(null=True)),
                ('fee', models.DecimalField(decimal_places=2, max_digits=12, null=True)),
                ('fee_booked_at', models.DateTimeField(null=True)),
                ('receipt', models.JSONField(null=True)),
                ('problem', models.CharField(blank=True, max_length=200)),
                ('looks', models.PositiveSmallIntegerField(default=0)),
                ('next_look_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='top_ups', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'top_ups',
                'indexes': [
                    models.Index(fields=['user', '-created_at', '-id'], name='top_ups_mine'),
                    models.Index(fields=['next_look_at'], name='top_ups_to_look_at'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='top_ups_amount'),
                    models.CheckConstraint(condition=models.Q(('amount__gte', 0), ('disputed_amount__gte', 0), ('refunded_amount__gte', 0), ('amount__gte', django.db.models.functions.math.Round(django.db.models.expressions.CombinedExpression(models.F('refunded_amount'), '+', models.F('disputed_amount')), precision=2))), name='top_ups_amounts'),
                    models.CheckConstraint(condition=models.Q(models.Q(('checkout_session__isnull', False), ('paid_at__isnull', False), ('receipt__isnull', False), ('status', 'paid')), models.Q(('disputed_amount', 0), ('fee_booked_at__isnull', True), ('paid_at__isnull', True), ('receipt__isnull', True), ('refunded_amount', 0), ('status__in', ['created', 'expired', 'failed'])), _connector='OR'), name='top_ups_paid'),
                ],
            },
        ),
    ]
