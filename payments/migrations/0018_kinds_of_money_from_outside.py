from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0017_enrollment_ended'),
    ]

    operations = [
        migrations.AlterField(
            model_name='ledgeraccount',
            name='kind',
            field=models.CharField(choices=[('wallet', 'Wallet'), ('earnings', 'Earnings'), ('withdrawing', 'Withdrawing'), ('issued', 'Issued'), ('escrow', 'Escrow'), ('platform', 'Platform'), ('paid_out', 'Paid Out'), ('stripe', 'Stripe'), ('bank', 'Bank'), ('rehearsal', 'Rehearsal'), ('in_transit', 'In Transit'), ('refunding', 'Refunding'), ('fees', 'Fees'), ('debts', 'Debts')], max_length=20),
        ),
        migrations.AlterField(
            model_name='transfer',
            name='kind',
            field=models.CharField(choices=[('grant', 'Grant'), ('revoke', 'Revoke'), ('hold', 'Hold'), ('refund', 'Refund'), ('release', 'Release'), ('withdraw', 'Withdraw'), ('withdrawal_returned', 'Withdrawal Returned'), ('payout', 'Payout'), ('top_up', 'Top Up'), ('fee', 'Fee')], max_length=30),
        ),
    ]
