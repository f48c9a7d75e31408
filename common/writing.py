"""Rows written with one statement: what the ORM works out for every row is kept per model."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from common.statements import Sent, execute


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
        sent.prepare(value, connection)
        if (value := read(row)) is not None and type(value) not in sent.unchanged
        else value
        for row in rows
        for read, sent in table.new
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
    keys = [table.key.prepare(row.pk, connection) for row in rows]
    changes, values = [], []
    for name in names:
        column, read, sent = table.columns[name]
        wanted = [
            sent.prepare(value, connection)
            if (value := read(row)) is not None and type(value) not in sent.unchanged
            else value
            for row in rows
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
        return execute(connection, sql, values)[1]
    except Exception:
        with transaction.mark_for_rollback_on_error(connection.alias):
            raise


class _Table:
    def __init__(self, model: type[models.Model], db: str) -> None:
        meta: Any = model._meta
        self.db = db
        connection = connections[db]
        self.is_mysql = connection.vendor == "mysql"
        quote = connection.ops.quote_name
        fields = [field for field in meta.local_concrete_fields if not field.generated]
        # How to read a column of a new row, and of a changed one, and how its value is sent.
        self.new = [(_reader(field, add=True), Sent(field, connection)) for field in fields]
        self.columns = {
            field.name: (quote(field.column), _reader(field, add=False), Sent(field, connection))
            for field in fields
        }
        self.key, self.key_column = Sent(meta.pk, connection), quote(meta.pk.column)
        names = ", ".join(quote(field.column) for field in fields)
        self.insert = f"INSERT INTO {quote(meta.db_table)} ({names}) VALUES"
        self.places = f"({', '.join(['%s'] * len(fields))})"
        self.update = f"UPDATE {quote(meta.db_table)} SET"

    def unless_there(self, once_by: str) -> str:
        """Not INSERT IGNORE, which turns every error into a warning."""
        if not once_by:
            return ""
        if self.is_mysql:
            return f" ON DUPLICATE KEY UPDATE {self.key_column} = {self.key_column}"
        return f" ON CONFLICT ({self.columns[once_by][0]}) DO NOTHING"


def _reader(field: models.Field, *, add: bool) -> Callable[[models.Model], object]:
    """What reads a row's value, which some fields decide only now."""
    if type(field).pre_save is models.Field.pre_save or (
        type(field) is models.DateTimeField and not (field.auto_now or (add and field.auto_now_add))
    ):
        return attrgetter(field.attname)
    return partial(field.pre_save, add=add)


_table_of = cache(_Table)


def _table_for(rows: Sequence[models.Model]) -> _Table:
    model = type(rows[0])
    return _table_of(model, router.db_for_write(model))
