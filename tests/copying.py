"""The tables of the tests' own database, copied: sooner there than by all migrations."""

import fcntl
import pickle
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
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


class Template:
    """The database of the worker that came first, for the others to begin with.

    They wait while it is made.
    """

    def __init__(self, place: Path) -> None:
        self.file = place / "template"
        self.turn = (place / "turn").open("w")

    def begin(self) -> None:
        """Before Django makes a database: have it filled with a copy, if there is one."""
        fcntl.flock(self.turn, fcntl.LOCK_EX)
        if not self.file.exists():
            return
        self.turn.close()
        create = connection.creation._create_test_db
        connection.settings_dict["TEST"]["MIGRATE"] = False

        def create_and_fill(*args: Any) -> str:
            name: str = create(*args)
            self.fill(name)
            return name

        connection.creation._create_test_db = create_and_fill

    def end(self) -> None:
        """Afterwards: what was made without a copy is there to be copied."""
        if not self.turn.closed:
            self.keep()
            self.turn.close()

    def keep(self) -> None:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(self.file)])
        else:
            self.file.write_bytes(pickle.dumps([*tables()]))

    def fill(self, name: str) -> None:
        if connection.vendor == "sqlite":
            shutil.copy(self.file, name)
            return
        there = connection.copy()
        there.settings_dict["NAME"] = name
        lay(pickle.loads(self.file.read_bytes()), there)
        there.close()
