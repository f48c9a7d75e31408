"""What Django's ORM compiles, with rows that are converted whole."""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from django.db.backends.mysql import compiler
from django.db.backends.mysql.compiler import (
    SQLDeleteCompiler,
    SQLInsertCompiler,
    SQLUpdateCompiler,
)

from common.mysql.base import Converters, DatabaseOperations, DatabaseWrapper

__all__ = [
    "SQLAggregateCompiler",
    "SQLCompiler",
    "SQLDeleteCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
]


class _WholeRows:
    connection: DatabaseWrapper

    def apply_converters(
        self, rows: Iterable[Sequence[object]], converters: Converters
    ) -> Iterator[list[object]]:
        """As `DatabaseOperations.rows_converter` does."""
        operations = cast(DatabaseOperations, self.connection.ops)
        return operations.rows_converter(converters)(rows)


class SQLCompiler(_WholeRows, compiler.SQLCompiler):  # type: ignore[misc]
    """For SELECT."""


class SQLAggregateCompiler(_WholeRows, compiler.SQLAggregateCompiler):  # type: ignore[misc]
    """For sums and counts of a SELECT."""
