from typing import Any

from django.core.management.base import CommandError
from django.db import migrations

REFUSAL = """Nothing was changed: what users owe, or have owed, would be lost.
To go back further, restore a backup."""


def keep(apps: Any, schema_editor: Any) -> None:
    """Without a debtor, nobody knows any more whose debt a movement was about."""
    if apps.get_model("payments", "Transfer").objects.exclude(debtor=None).exists():
        raise CommandError(REFUSAL)


class Migration(migrations.Migration):
    dependencies = [("payments", "0028_debt_write_offs")]

    operations = [migrations.RunPython(migrations.RunPython.noop, keep)]
