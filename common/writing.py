"""Rows written with one statement: what the ORM works out for every row is kept per model."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


def insert(rows: Sequence[models.Model], *, once_by: str = "") -> None:
    """INSERT new objects of one model.

    Sends no signals, and reads back no generated fields. Of rows with the same value in the unique
    field `once_by`, the first stays and the others are not added; everything else that the database
    refuses raises an error.
    """
    if not rows:
        return
    table = _table_for(rows)
    connection = connections[table.db]
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for row in rows
        for field in table.fields
    ]
    places = ", ".join([table.places] * len(rows))
    change(connection, f"{table.insert} {places}{table.unless_there(once_by)}", values)
    for row in rows:
        row._state.adding, row._state.db = False, table.db


def save(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """UPDATE the named fields of objects of one model; values they have in common are sent once."""
    if not rows:
        return
    table = _table_for(rows)
    connection = connections[table.db]
    keys = [table.key.get_db_prep_value(row.pk, connection) for row in rows]
    changes, values = [], []
    for name in names:
        column, field = table.columns[name]
        wanted = [
            field.get_db_prep_save(field.pre_save(row, add=False), connection) for row in rows
        ]
        if all(value == wanted[0] for value in wanted):
            changes.append(f"{column} = %s")
            values.append(wanted[0])
        else:
            cases = " ".join(["WHEN %s THEN %s"] * len(rows))
            changes.append(f"{column} = CASE {table.key_column} {cases} END")
            values += [value for pair in zip(keys, wanted, strict=True) for value in pair]
    where = f"{table.key_column} IN ({', '.join(['%s'] * len(rows))})"
    change(connection, f"{table.update} {', '.join(changes)} WHERE {where}", [*values, *keys])


def change(connection: BaseDatabaseWrapper, sql: str, values: Sequence[Any]) -> int:
    """Execute a statement; gives how many rows it changed.

    After a failure the transaction can only be rolled back, as with the ORM.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return int(cursor.rowcount)
    except Exception:
        with transaction.mark_for_rollback_on_error(connection.alias):
            raise


class _Table:
    def __init__(self, model: type[models.Model], db: str) -> None:
        meta: Any = model._meta
        self.db = db
        quote = connections[db].ops.quote_name
        self.fields = [field for field in meta.local_concrete_fields if not field.generated]
        self.columns = {field.name: (quote(field.column), field) for field in self.fields}
        self.key, self.key_column = meta.pk, quote(meta.pk.column)
        names = ", ".join(column for column, _ in self.columns.values())
        self.insert = f"INSERT INTO {quote(meta.db_table)} ({names}) VALUES"
        self.places = f"({', '.join(['%s'] * len(self.fields))})"
        self.update = f"UPDATE {quote(meta.db_table)} SET"

    def unless_there(self, once_by: str) -> str:
        """Not INSERT IGNORE, which turns every error into a warning."""
        if not once_by:
            return ""
        if connections[self.db].vendor == "mysql":
            return f" ON DUPLICATE KEY UPDATE {self.key_column} = {self.key_column}"
        return f" ON CONFLICT ({self.columns[once_by][0]}) DO NOTHING"


_table_of = cache(_Table)


def _table_for(rows: Sequence[models.Model]) -> _Table:
    model = type(rows[0])
    return _table_of(model, router.db_for_write(model))
