"""Columns that identify: what is compared exactly, on every database alike."""

from typing import Any

from django.db import models
from django.db.models import lookups


class ExactCharField(models.CharField):
    """Text that identifies: values that differ in any byte are different ones.

    The usual collations find `EV_a` for `ev_A`, `a` for `ä`, and `a` for an `a` and a space.
    """

    def db_parameters(self, connection: Any) -> Any:
        return super().db_parameters(connection) | {"collation": exact_collation(connection)}


def exact_collation(connection: Any) -> str | None:
    """What compares byte by byte and pads nothing; None where that is the rule anyway."""
    if connection.vendor != "mysql":
        return None
    return "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"


class _InAnyCase:
    """MySQL leaves to the column what the `i` of a lookup promises.

    What is looked for is prepared as the column prepares what it keeps.
    """

    prepare_rhs = True

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        sql, params = super().process_lhs(compiler, connection, lhs)  # type: ignore[misc]
        folded = f"{sql} COLLATE utf8mb4_general_ci" if connection.vendor == "mysql" else sql
        return folded, params


for _lookup in (lookups.IContains, lookups.IEndsWith, lookups.IExact, lookups.IStartsWith):
    ExactCharField.register_lookup(type(_lookup.__name__, (_InAnyCase, _lookup), {}))
