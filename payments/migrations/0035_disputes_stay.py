from typing import Any

from django.core.management.base import CommandError
from django.db import migrations

REFUSAL = """Nothing was changed: which payments banks have disputed would be lost.
To go back further, restore a backup."""


def keep(apps: Any, schema_editor: Any) -> None:
    """Without its dispute, nobody knows any more why a movement was made."""
    if apps.get_model("payments", "Dispute").objects.exists():
        raise CommandError(REFUSAL)


class Migration(migrations.Migration):
    dependencies = [("payments", "0034_transfers_dispute")]

    operations = [migrations.RunPython(migrations.RunPython.noop, keep)]
