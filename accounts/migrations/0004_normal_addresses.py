from collections import defaultdict

from django.core.management.base import CommandError
from django.db import migrations

from accounts.addresses import normal_address

REFUSAL = """No address was changed, because these cannot stand as they are:
{}
Give each of these users another address, then migrate again."""


def normalise(apps, schema_editor):
    """Every address in its normal form, or none: who owns one of two that become one, we cannot say."""
    users = apps.get_model("accounts", "User").objects
    owners, changed, problems = defaultdict(set), {}, []
    for key, address in users.values_list("pk", "email").iterator():
        normal = normal_address(address)
        if not (normal.isascii() and normal.isprintable()):
            problems.append(f"  {address!r} has no normal form")
        elif normal != address:
            changed[key] = normal
            owners[normal].add(address)
    for address in users.filter(email__in=owners).values_list("email", flat=True):
        if address in owners:
            owners[address].add(address)
    for normal, spellings in owners.items():
        if len(spellings) > 1:
            problems.append(f"  {' and '.join(sorted(spellings))} become one: {normal}")
    if problems:
        raise CommandError(REFUSAL.format("\n".join(problems)))
    for key, normal in changed.items():
        users.filter(pk=key).update(email=normal)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_token_families")]

    operations = [migrations.RunPython(normalise, migrations.RunPython.noop, elidable=True)]
