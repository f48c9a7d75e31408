"""The tables of the tests' own database, copied: sooner there than by all migrations."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

Table = tuple[str, str, tuple[Any, ...]]


def tables() -> Iterator[Table]:
    """Of this connection's database on MariaDB: what makes each table, and fills it, its rows."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SHOW CREATE TABLE `{table}`")
            ((_, create),) = cursor.fetchall()
            cursor.execute(f"SHOW COLUMNS FROM `{table}`")
            names = [f"`{name}`" for name, *_, extra in cursor.fetchall() if "GENER" not in extra]
            cursor.execute(f"SELECT {', '.join(names)} FROM `{table}`")
            values = ", ".join(["%s"] * len(names))
            insert = f"INSERT INTO `{table}` ({', '.join(names)}) VALUES ({values})"
            yield create, insert, cursor.fetchall()


def lay(made: Iterable[Table], there: Any = connection) -> None:
    """Make these tables on a connection, which is left without the checks of foreign keys."""
    with there.cursor() as cursor:
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for create, insert, rows in made:
            cursor.execute(create)
            cursor.executemany(insert, rows)
