"""What the server and the database did, by their own counters."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figures

TICK = os.sysconf("SC_CLK_TCK")
ASKED = "SHOW GLOBAL STATUS WHERE Variable_name = 'Questions' OR Variable_name LIKE 'Handler_read%'"
# How many rows MariaDB reads to answer that.
ROWS_ASKED = 11


@dataclass(frozen=True)
class Reading:
    """CPU in seconds, statements and rows read since the database started."""

    server: float
    database: float
    driver: float
    statements: int
    rows: int

    def __sub__(self, before: "Reading") -> "Reading":
        return Reading(
            self.server - before.server,
            self.database - before.database,
            self.driver - before.driver,
            # The question itself is one of them.
            self.statements - before.statements - 1,
            self.rows - before.rows - ROWS_ASKED,
        )

    def each(self, requests: int) -> Figures:
        """For each of so many requests; CPU in milliseconds."""
        return {
            "statements": self.statements / requests,
            "rows": self.rows / requests,
            "server_ms": 1000 * self.server / requests,
            "database_ms": 1000 * self.database / requests,
            "driver_ms": 1000 * self.driver / requests,
        }


def read(cursor: Any, *, server: int, database: int) -> Reading:
    """Read the counters; `server` and `database` are the numbers of their first processes."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    cursor.execute(ASKED)
    counted = {name: int(value) for name, value in cursor.fetchall()}
    statements = counted.pop("Questions")
    return Reading(
        sum(map(_cpu, [server, *_children(server)])),
        _cpu(database),
        own.ru_utime + own.ru_stime,
        statements,
        sum(counted.values()),
    )


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    found = [int(child) for task in tasks for child in task.read_text().split()]
    return found + [grandchild for child in found for grandchild in _children(child)]
