from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0054_top_ups_by_charge")]

    operations = [
        migrations.AddIndex(
            model_name="processorevent",
            index=models.Index(fields=["object_id"], name="processor_events_by_object"),
        ),
    ]
