from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0057_top_up_refunds_newest")]

    operations = [
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["hold", "kind", "amount"], name="transfers_of_hold"),
        ),
    ]
