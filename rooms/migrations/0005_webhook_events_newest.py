from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rooms", "0004_room_watches_dropped")]

    operations = [
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(fields=["received_at"], name="webhook_events_newest"),
        ),
    ]
