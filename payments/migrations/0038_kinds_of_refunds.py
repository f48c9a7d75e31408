from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0037_transfers_refund'),
    ]

    operations = [
        migrations.AlterField(
            model_name='transfer',
            name='kind',
            field=models.CharField(choices=[('grant', 'Grant'), ('revoke', 'Revoke'), ('hold', 'Hold'), ('refund', 'Refund'), ('release', 'Release'), ('withdraw', 'Withdraw'), ('withdrawal_returned', 'Withdrawal Returned'), ('payout', 'Payout'), ('top_up', 'Top Up'), ('fee', 'Fee'), ('payback', 'Payback'), ('payback_sent', 'Payback Sent'), ('payback_returned', 'Payback Returned'), ('dispute', 'Dispute'), ('dispute_won', 'Dispute Won'), ('write_off', 'Write Off'), ('dispute_fee', 'Dispute Fee')], max_length=30),
        ),
    ]
