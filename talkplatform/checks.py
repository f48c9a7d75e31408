"""What a database cannot keep ends the start: a constraint, an index, a letter."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

LEFT_OUT = {f"models.W0{number}" for number in (36, 37, 38, 39, 40, 43, 44, 45, 46, 47)}


def refuse_missing_constraints(*args: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Django's own warnings about what it will not create, raised to errors."""
    messages = chain.from_iterable(m.check(databases=["default"]) for m in apps.get_models())
    return [
        checks.Error(message.msg, message.hint, message.obj, id=message.id)
        for message in messages
        if message.id in LEFT_OUT
    ]


def refuse_other_characters(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """A database that does not keep every letter would refuse names of people for ever."""
    columns = not_utf8mb4() if databases else []
    if not columns:
        return []
    message = f"This database does not keep every character. Not utf8mb4: {', '.join(columns)}."
    hint = "docs/operations.md, “The database”, says what to do about it."
    return [checks.Error(message, hint, id="talkplatform.E001")]


def refuse_other_money(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Credit that no real money was paid for would buy what is real, and be paid out."""
    from payments.models import TopUp  # noqa: PLC0415 # there are no models yet
    from payments.processors import is_test_mode, methods  # noqa: PLC0415 # nor settings

    if not (databases and methods() and TopUp._meta.db_table in _tables()):
        return []
    of_the_other = TopUp.objects.filter(status=TopUp.Status.PAID, live=is_test_mode())
    example = of_the_other.values_list("reference", flat=True).first()
    if not example:
        return []
    paid, now = ("real", "none is") if is_test_mode() else ("not real", "it is")
    message = f"Top-ups here were paid with money that is {paid} ({example}); now {now}."
    hint = "Money that is real needs a database of its own: docs/operations.md, “Stripe”."
    return [checks.Error(message, hint, id="talkplatform.E002")]


def _tables() -> list[str]:
    return connection.introspection.table_names()


def not_utf8mb4() -> list[str]:
    """The columns of ours that keep some characters only, and what new ones would be like."""
    if connection.vendor != "mysql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_OTHER_DEFAULT)
        found = [f"new columns ({characters})" for (characters,) in cursor.fetchall()]
        cursor.execute(_OTHER_COLUMNS)
        ours = {*connection.introspection.django_table_names(), _MIGRATIONS}
        found += [f"{t}.{column} ({chars})" for t, column, chars in cursor.fetchall() if t in ours]
    return found


_MIGRATIONS = MigrationRecorder.Migration._meta.db_table
_OTHER_DEFAULT = """
SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA
WHERE SCHEMA_NAME = DATABASE() AND DEFAULT_CHARACTER_SET_NAME <> 'utf8mb4'
"""
_OTHER_COLUMNS = """
SELECT TABLE_NAME, COLUMN_NAME, CHARACTER_SET_NAME FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND CHARACTER_SET_NAME <> 'utf8mb4'
ORDER BY TABLE_NAME, ORDINAL_POSITION
"""
