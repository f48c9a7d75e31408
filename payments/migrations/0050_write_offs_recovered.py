from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0049_withdrawals_newest'),
    ]

    operations = [
        migrations.AddField(
            model_name='debtwriteoff',
            name='recovered',
            field=models.DecimalField(decimal_places=2, default=Decimal('0.00'), max_digits=12),
        ),
    ]
