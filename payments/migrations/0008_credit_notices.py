from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0007_withdrawals_four_eyes"),
    ]

    operations = [
        migrations.CreateModel(
            name="CreditNotice",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "text",
                    models.TextField(
                        help_text="Shown on every student's Credit page.", max_length=1000
                    ),
                ),
            ],
            options={
                "db_table": "credit_notices",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="credit_notices_one"
                    )
                ],
            },
        ),
    ]
