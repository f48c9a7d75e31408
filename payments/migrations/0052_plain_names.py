from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0051_write_offs_recovered_within'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='debtwriteoff',
            options={'verbose_name': 'debt write-off'},
        ),
        migrations.AlterModelOptions(
            name='topup',
            options={'verbose_name': 'top-up'},
        ),
        migrations.AlterModelOptions(
            name='topuprefund',
            options={'permissions': [('refund_topup', 'Can refund top-ups')], 'verbose_name': 'top-up refund'},
        ),
        migrations.AlterField(
            model_name='debtwriteoff',
            name='status',
            field=models.CharField(choices=[('asked', 'Asked'), ('written_off', 'Written off'), ('refused', 'Refused')], default='asked', max_length=20),
        ),
        migrations.AlterField(
            model_name='ledgeraccount',
            name='kind',
            field=models.CharField(choices=[('wallet', 'Wallet'), ('earnings', 'Earnings'), ('withdrawing', 'Withdrawing'), ('issued', 'Issued'), ('escrow', 'Escrow'), ('platform', 'Platform'), ('paid_out', 'Paid out'), ('stripe', 'Stripe'), ('bank', 'Bank'), ('rehearsal', 'Rehearsal'), ('in_transit', 'In transit'), ('refunding', 'Refunding'), ('fees', 'Fees'), ('debts', 'Debts')], max_length=20),
        ),
    ]
