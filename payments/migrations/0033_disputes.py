import common.fields
import django.db.models.deletion
import uuid_utils.compat
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0032_kind_of_dispute_fees'),
    ]

    operations = [
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('dispute', 'Dispute'), ('desk_refund', "Refund at Stripe's desk")], max_length=20)),
                ('processor_id', common.fields.ExactCharField(max_length=255, unique=True)),
                ('status', models.CharField(max_length=30)),
                ('reason', models.CharField(blank=True, max_length=100)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12)),
                ('taken', models.DecimalField(decimal_places=2, default=Decimal('0.00'), max_digits=12)),
                ('given_back', models.DecimalField(decimal_places=2, default=Decimal('0.00'), max_digits=12)),
                ('fee', models.DecimalField(decimal_places=2, default=Decimal('0.00'), max_digits=12)),
                ('opened_at', models.DateTimeField()),
                ('due_by', models.DateTimeField(null=True)),
                ('problem', models.CharField(blank=True, max_length=200)),
                ('looks', models.PositiveSmallIntegerField(default=0)),
                ('next_look_at', models.DateTimeField(null=True)),
                ('top_up', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='payments.topup')),
            ],
            options={
                'db_table': 'disputes',
                'indexes': [
                    models.Index(fields=['next_look_at'], name='disputes_to_look_at'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='disputes_amount'),
                    models.CheckConstraint(condition=models.Q(('given_back__gte', 0), ('taken__gte', models.F('given_back'))), name='disputes_given_back'),
                ],
            },
        ),
    ]
