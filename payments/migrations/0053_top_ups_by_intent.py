from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0052_plain_names")]

    operations = [
        migrations.AddIndex(
            model_name="topup",
            index=models.Index(fields=["payment_intent"], name="top_ups_by_intent"),
        ),
    ]
