from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0004_payout_reference"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    status__in=["requested", "cancelled"],
                    decided_at__isnull=True,
                    decided_by__isnull=True,
                )
                | models.Q(
                    status__in=["approved", "rejected", "completed"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                ),
                name="withdrawals_decided",
            ),
        ),
    ]
