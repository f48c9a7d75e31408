from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0042_processor_events_newest")]

    operations = [
        migrations.AddIndex(
            model_name="topup",
            index=models.Index(fields=["status"], name="top_ups_by_status"),
        ),
    ]
