from django.db import migrations, models

NAMES = {"debit_account": "transfers_out", "credit_account": "transfers_in"}


class Migration(migrations.Migration):
    dependencies = [("payments", "0008_credit_notices")]

    # The new ones first: a foreign key never goes without an index.
    operations = [
        *(
            migrations.AddIndex(
                "transfer",
                models.Index(fields=[account, "-created_at", "amount"], name=name),
            )
            for account, name in NAMES.items()
        ),
        migrations.RemoveIndex("transfer", "transfers_debits"),
        migrations.RemoveIndex("transfer", "transfers_credits"),
    ]
