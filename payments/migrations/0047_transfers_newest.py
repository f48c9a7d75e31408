from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0046_transfers_by_actor")]

    operations = [
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["created_at"], name="transfers_newest"),
        ),
    ]
