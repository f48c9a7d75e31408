from django.core.management.base import CommandError
from django.db import migrations
from django.db.models.functions import Now

REFUSAL = """Nothing was changed: {} would be lost, and what people paid with {}.
To go back further, restore a backup."""


def look_again(apps, schema_editor):
    """Those of whose fee nobody asked any more, because they had ended before they were paid."""
    waiting = apps.get_model("payments", "TopUp").objects.filter(
        status="paid", fee_booked_at=None, next_look_at=None
    )
    waiting.update(looks=0, next_look_at=Now())


def keep(apps, schema_editor):
    """What a migration before this one takes away is other people's money."""
    top_ups = apps.get_model("payments", "TopUp").objects.order_by("created_at")
    if first := top_ups.first():
        others = top_ups.count() - 1
        named = f"top-up {first.reference}" + (f" and {others} more" if others else "")
        raise CommandError(REFUSAL.format(named, "them" if others else "it"))


class Migration(migrations.Migration):
    dependencies = [("payments", "0022_transfers_top_up")]

    operations = [migrations.RunPython(look_again, keep)]
