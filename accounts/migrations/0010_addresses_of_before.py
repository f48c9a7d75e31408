from django.db import migrations
from django.db.models import F


def count_as_proved(apps, schema_editor):
    """Whoever has an account has been mailed at its address since they joined."""
    users = apps.get_model("accounts", "User").objects
    users.filter(proved_since=None).update(proved_since=F("date_joined"))


def mark_refused(apps, schema_editor):
    mailboxes = apps.get_model("notices", "Mailbox").objects.exclude(stopped_address="")
    for reader, address in mailboxes.values_list("reader", "stopped_address").iterator():
        users = apps.get_model("accounts", "User").objects
        users.filter(pk=reader, email=address).update(email_refused=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_address_changes"), ("notices", "0001_outbox")]

    operations = [
        migrations.RunPython(count_as_proved, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(mark_refused, migrations.RunPython.noop, elidable=True),
    ]
