from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0005_withdrawals_decided"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.CheckConstraint(
                condition=(
                    models.Q(status="completed", completed_at__isnull=False)
                    & ~models.Q(payout_reference="")
                )
                | (
                    ~models.Q(status="completed")
                    & models.Q(completed_at__isnull=True, payout_reference="")
                ),
                name="withdrawals_completed",
            ),
        ),
    ]
