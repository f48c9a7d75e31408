"""Conditions written as SQL, for querysets and prepared statements alike."""

from collections.abc import Collection, Iterable

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Value
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

from common.shapes import Sql


class Condition(Lookup):
    """A condition as SQL with its values; a prepared statement takes it as an argument.

    It names columns by their table. A lookup, because MySQL would compare anything else to 1, and
    find nothing by an index then.
    """

    prepare_rhs = False

    def __init__(self, sql: str, values: Collection[object] = ()) -> None:
        super().__init__(Value(sql), [*values])
        self.sql, self.values = sql, [*values]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        return f"({self.sql})", self.values

    @classmethod
    def all_of(cls, conditions: "Iterable[Condition]") -> "Condition":
        return cls._joined(" AND ", conditions) or cls("1 = 1")

    @classmethod
    def any_of(cls, conditions: "Iterable[Condition]") -> "Condition":
        return cls._joined(" OR ", conditions) or cls("1 = 0")

    @classmethod
    def among(cls, column: str, values: Collection[object]) -> "Condition":
        """Whether a column has one of these values, as the database has them."""
        places = ", ".join(["%s"] * len(values))
        return cls(f"{column} IN ({places})", values) if values else cls.any_of(())

    @classmethod
    def _joined(cls, word: str, conditions: "Iterable[Condition]") -> "Condition | None":
        every = [*conditions]
        values = [value for one in every for value in one.values]
        return cls(word.join(f"({one.sql})" for one in every), values) if every else None
