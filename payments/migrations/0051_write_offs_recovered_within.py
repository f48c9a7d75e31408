from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0050_write_offs_recovered'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='debtwriteoff',
            constraint=models.CheckConstraint(condition=models.Q(('recovered__gte', 0), ('recovered__lte', models.F('amount'))), name='debt_write_offs_recovered'),
        ),
    ]
