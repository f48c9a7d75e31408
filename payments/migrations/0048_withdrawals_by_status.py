from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0047_transfers_newest")]

    operations = [
        migrations.AddIndex(
            model_name="withdrawal",
            index=models.Index(fields=["status"], name="withdrawals_by_status"),
        ),
    ]
