from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0023_top_ups_stay'),
    ]

    operations = [
        migrations.AddField(
            model_name='ledgeraccount',
            name='owed',
            field=models.DecimalField(decimal_places=2, default=Decimal('0.00'), max_digits=12),
        ),
    ]
