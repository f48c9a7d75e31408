from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0045_transfers_by_kind")]

    operations = [
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["kind", "actor"], name="transfers_by_actor"),
        ),
    ]
