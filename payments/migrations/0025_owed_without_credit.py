from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0024_owed'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='ledgeraccount',
            constraint=models.CheckConstraint(condition=models.Q(('owed', 0), models.Q(('balance', 0), ('kind', 'wallet'), ('owed__gt', 0)), _connector='OR'), name='ledger_accounts_owed'),
        ),
    ]
