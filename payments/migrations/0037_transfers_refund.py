import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0036_top_up_refunds'),
    ]

    operations = [
        migrations.AddField(
            model_name='transfer',
            name='refund',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transfers', to='payments.topuprefund'),
        ),
    ]
