import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0025_owed_without_credit'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='transfer',
            name='debtor',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='debt_transfers', to=settings.AUTH_USER_MODEL),
        ),
    ]
