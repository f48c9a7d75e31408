from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0002_grant_credit_permission"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="ledgeraccount",
            options={
                "permissions": [
                    ("grant_credit", "Can grant and revoke credit"),
                    ("audit_money", "Can see the money audit"),
                ]
            },
        ),
        migrations.AlterModelOptions(
            name="paymenthold",
            options={
                "permissions": [
                    ("decide_paymenthold", "Can release and refund payment holds"),
                    ("export_paymenthold", "Can export payment holds"),
                ]
            },
        ),
        migrations.AlterModelOptions(
            name="withdrawal",
            options={
                "permissions": [
                    ("decide_withdrawal", "Can approve, complete and reject withdrawals")
                ]
            },
        ),
    ]
