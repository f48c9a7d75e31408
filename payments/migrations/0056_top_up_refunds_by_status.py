from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0055_processor_events_by_object")]

    operations = [
        migrations.AddIndex(
            model_name="topuprefund",
            index=models.Index(fields=["status"], name="top_up_refunds_by_status"),
        ),
    ]
