import common.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0020_processor_events'),
    ]

    operations = [
        migrations.CreateModel(
            name='RehearsalCheckout',
            fields=[
                ('id', common.fields.ExactCharField(max_length=90, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('open', 'Open'), ('paid', 'Paid'), ('pending', 'Pending'), ('failed', 'Failed'), ('closed', 'Closed')], default='open', max_length=20)),
                ('pays_at', models.DateTimeField(null=True)),
                ('top_up', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='rehearsal', to='payments.topup')),
            ],
            options={
                'db_table': 'rehearsal_checkouts',
            },
        ),
    ]
