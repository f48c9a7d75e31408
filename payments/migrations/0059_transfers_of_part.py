from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0058_transfers_of_hold")]

    operations = [
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                fields=["hold_part", "hold", "kind", "dedupe_key", "amount"],
                name="transfers_of_part",
            ),
        ),
    ]
