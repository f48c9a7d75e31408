from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0006_withdrawals_completed"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.CheckConstraint(
                condition=~models.Q(decided_by=models.F("teacher")),
                name="withdrawals_four_eyes",
            ),
        ),
    ]
