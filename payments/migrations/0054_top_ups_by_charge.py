from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0053_top_ups_by_intent")]

    operations = [
        migrations.AddIndex(
            model_name="topup",
            index=models.Index(fields=["charge"], name="top_ups_by_charge"),
        ),
    ]
