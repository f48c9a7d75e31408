import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import methodcaller
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.mysql import base, operations
from django.db.models import Expression
from MySQLdb import OperationalError
from MySQLdb.constants import FIELD_TYPE

from common.shapes import Json, Rows
from common.statements import execute

# Of a value, as a column's expression and a connection want it.
Convert = Callable[[Any, Expression, BaseDatabaseWrapper], object]

# Of the columns that have any, by their place.
Converters = dict[int, tuple[list[Convert], Expression]]

HEALTHY_SECONDS = 1
# The same key appears in several columns of a row, and in row after row.
uuid_of = lru_cache(maxsize=128)(UUID)


class DatabaseOperations(operations.DatabaseOperations):
    """The same values in half the time: a list of twenty objects has hundreds of them."""

    compiler_module = "common.mysql.compiler"

    def adapt_datetimefield_value(self, value: Any) -> str | None:
        if isinstance(value, datetime) and value.tzinfo is UTC:
            return str(value.replace(tzinfo=None))
        return super().adapt_datetimefield_value(value)

    def convert_datetimefield_value(
        self, value: datetime | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> datetime | None:
        return value and value.replace(tzinfo=UTC)

    def convert_uuidfield_value(
        self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> UUID | None:
        return uuid_of(value) if value else None

    def rows_converter(
        self, converters: Converters
    ) -> Callable[[Iterable[Sequence[object]]], Iterator[list[object]]]:
        """What converts whole rows as these `converters` of columns do, without one of our calls.

        None stays None.
        """
        short: dict[Convert, Callable[[Any], object]] = {
            self.convert_datetimefield_value: methodcaller("replace", tzinfo=UTC),
            self.convert_uuidfield_value: uuid_of,
            self.convert_booleanfield_value: bool,
        }
        ours, others = [], []
        for at, (converts, expression) in converters.items():
            if len(converts) == 1 and converts[0] in short:
                ours.append((at, short[converts[0]]))
            else:
                others += [(at, convert, expression) for convert in converts]
        connection = self.connection

        def convert_rows(rows: Iterable[Sequence[object]]) -> Iterator[list[object]]:
            for row in map(list, rows):
                for at, make in ours:
                    if (value := row[at]) is not None:
                        row[at] = make(value)
                for at, convert, expression in others:
                    row[at] = convert(row[at], expression, connection)
                yield row

        return convert_rows


class DatabaseWrapper(base.DatabaseWrapper):
    """MariaDB and MySQL with fewer round trips."""

    ops_class = DatabaseOperations
    _healthy_until = 0.0

    def get_connection_params(self) -> Json:
        params: Json = super().get_connection_params()
        params["conv"] = params["conv"] | {FIELD_TYPE.DATETIME: datetime.fromisoformat}
        # One of our own options, not the driver's.
        params.pop("lock_wait_timeout", None)
        return params

    def init_connection_state(self) -> None:
        """Set what we rely on: after waiting for a row, READ COMMITTED reads it as it is then."""
        super().init_connection_state()
        with self.cursor() as cursor:
            if seconds := self.settings_dict["OPTIONS"].get("lock_wait_timeout"):
                cursor.execute("SET lock_wait_timeout = %s", [seconds])
            cursor.execute("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
            if cursor.fetchone():
                cursor.execute("SET innodb_snapshot_isolation = OFF")

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction explicitly, where Django switches autocommit off and on again."""
        with self.wrap_database_errors:
            self.connection.query("START TRANSACTION")

    def close_if_health_check_failed(self) -> None:
        """Check the connection once a second, not before each request.

        After an error Django checks it anyway. Not in a transaction, which a new connection would
        not go on with: there the statement itself tells that the connection is lost.
        """
        if not self.in_atomic_block and time.monotonic() > self._healthy_until:
            super().close_if_health_check_failed()
            self._healthy_until = time.monotonic() + HEALTHY_SECONDS

    def _savepoint(self, sid: str) -> None:
        execute(self, self.ops.savepoint_create_sql(sid), ())

    def run(self, sql: str, values: Sequence[object]) -> tuple[Rows, int]:
        """Run one statement as a cursor does, without making one.

        Gives the rows that it found, and how many it changed.
        """
        self.close_if_health_check_failed()
        if self.connection is None:
            self.ensure_connection()
        self.validate_thread_sharing()
        self.validate_no_broken_transaction()
        line = self.connection
        with self.wrap_database_errors:
            try:
                line.query(sql.encode() % tuple(_literals(line, values)))
                found = line.store_result()
            except OperationalError as error:
                if error.args[0] in base.CursorWrapper.codes_for_integrityerror:
                    raise IntegrityError(*error.args) from error
                raise
            return found.fetch_row(0) if found else (), line.affected_rows()


def _literals(line: Any, values: Sequence[Any]) -> list[bytes]:
    """Values as SQL: what the driver makes of them, without a call for those of every day."""
    text, other = line.string_literal, line.literal
    return [
        text(value.encode())
        if (kind := type(value)) is str
        else b"NULL"
        if value is None
        else b"'%032x'" % value.int
        if kind is UUID
        else format(value, "f").encode()
        if kind is Decimal
        else other(value)
        for value in values
    ]
