from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0041_payment_holds_newest")]

    operations = [
        migrations.AddIndex(
            model_name="processorevent",
            index=models.Index(fields=["received_at"], name="processor_events_newest"),
        ),
    ]
