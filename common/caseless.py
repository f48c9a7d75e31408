"""Text compared without regard to case, for every letter and alike on every database."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.functions import Lower
from django.db.models.sql.compiler import SQLCompiler
from django.dispatch import receiver

from common.shapes import Sql


class Folded(Lower):
    """Text to compare with other text that is `Folded`."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **more: Any) -> Sql:
        return super().as_sql(compiler, connection, function="FOLD", **more)

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **more: Any) -> Sql:
        """Not by the column's collation, which may ignore more than case, or not even that."""
        exactly = "LOWER(%(expressions)s) COLLATE utf8mb4_bin"
        return super().as_sql(compiler, connection, template=exactly, **more)


@receiver(connection_created)
def teach_sqlite(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """SQLite's own LOWER knows only ASCII letters."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("FOLD", 1, str.lower, deterministic=True)
