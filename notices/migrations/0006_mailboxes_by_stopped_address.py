from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notices", "0005_plain_names")]

    operations = [
        migrations.AddIndex(
            model_name="mailbox",
            index=models.Index(fields=["stopped_address"], name="mailboxes_by_stopped"),
        ),
    ]
