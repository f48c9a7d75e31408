"""What a database is sent, and what it answers, with the fewest steps between."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from common.fields import ExactCharField
from common.shapes import Rows


def execute(connection: Any, sql: str, values: Sequence[object]) -> tuple[Rows, int]:
    """Run one statement; gives the rows that it found, and how many it changed.

    Our own backend has a shorter way than a cursor, which nobody takes who listens to cursors.
    """
    run = getattr(connection, "run", None)
    if run and not (connection.queries_logged or connection.execute_wrappers):
        return run(sql, values)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall(), int(cursor.rowcount)


TEXTS = (models.CharField, models.TextField, ExactCharField)
# Fields of exactly these types send values of exactly this type unchanged.
SENT_UNCHANGED: dict[type[models.Field], type] = {
    **dict.fromkeys(TEXTS, str),
    models.BooleanField: bool,
    models.PositiveIntegerField: int,
    models.PositiveSmallIntegerField: int,
    models.IntegerField: int,
    models.DecimalField: Decimal,
}


class Sent:
    """How one database is sent the values of a field.

    None is NULL, those whose type is in `unchanged` are sent as they are, and any others as
    `prepare` makes them.
    """

    def __init__(self, field: models.Field, connection: BaseDatabaseWrapper) -> None:
        kind = _kind_of(field)
        self.unchanged = {SENT_UNCHANGED[kind]} if kind in SENT_UNCHANGED else set()
        if kind is models.UUIDField and connection.features.has_native_uuid_field:
            self.unchanged = {UUID}
        self.prepare: Callable[[Any, BaseDatabaseWrapper], object] = field.get_db_prep_save
        if kind in TEXTS:
            self.prepare = self._text
        elif kind is models.DateTimeField:
            self.prepare = self._time
        self._field = field

    def _text(self, value: object, connection: BaseDatabaseWrapper) -> object:
        """A choice is its text."""
        if isinstance(value, str):
            return str.__str__(value)
        return self._field.get_db_prep_save(value, connection)

    def _time(self, value: object, connection: BaseDatabaseWrapper) -> object:
        if isinstance(value, datetime) and value.tzinfo:
            return connection.ops.adapt_datetimefield_value(value)
        return self._field.get_db_prep_save(value, connection)


def _kind_of(field: Any) -> type[models.Field]:
    """The type of the field, or of the one that it refers to."""
    while field.remote_field:
        field = field.target_field
    return type(field)
