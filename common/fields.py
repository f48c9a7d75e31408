"""Columns that identify, compared exactly and alike on every database; and columns that mark."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, Q, Value, When, lookups
from django.db.models.sql.compiler import SQLCompiler

from common.shapes import Json, Sql


class ExactCharField(models.CharField):
    """Text that identifies something: values that differ in any byte are different.

    The usual collations equate `EV_a` with `ev_A`, `a` with `ä`, and `a` with `a` and a space.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, str | None]:
        return super().db_parameters(connection) | {"collation": exact_collation(connection)}


def exact_collation(connection: Any) -> str | None:
    """A collation that compares byte by byte without padding; None where that is the default."""
    if connection.vendor != "mysql":
        return None
    return "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"


def mark(*conditions: Q, **fields: object) -> models.GeneratedField:
    """1 where all of this is so, and else NULL."""
    where: Json = fields | {"then": Value(1)}
    return models.GeneratedField(
        expression=Case(When(*conditions, **where), default=Value(None)),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
    )


class _InAnyCase:
    """MySQL leaves it to the column whether a lookup ignores case.

    The search text is prepared just as the column prepares its values.
    """

    prepare_rhs = True

    def process_lhs(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        lhs: models.Expression | None = None,
    ) -> Sql:
        sql, params = super().process_lhs(compiler, connection, lhs)  # type: ignore[misc]
        folded = f"{sql} COLLATE utf8mb4_general_ci" if connection.vendor == "mysql" else sql
        return folded, params


for _lookup in (lookups.IContains, lookups.IEndsWith, lookups.IExact, lookups.IStartsWith):
    ExactCharField.register_lookup(type(_lookup.__name__, (_InAnyCase, _lookup), {}))
