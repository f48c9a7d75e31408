"""What the server and the database did, by their own counters."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Reading:
    """CPU in seconds, statements since the database started."""

    server: float
    database: float
    driver: float
    statements: int

    def __sub__(self, before: "Reading") -> "Reading":
        return Reading(
            self.server - before.server,
            self.database - before.database,
            self.driver - before.driver,
            # The question itself is one of them.
            self.statements - before.statements - 1,
        )


def read(cursor: Any, *, server: int, database: int) -> Reading:
    """Read the counters; `server` and `database` are the numbers of their first processes."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
    return Reading(
        sum(map(_cpu, [server, *_children(server)])),
        _cpu(database),
        own.ru_utime + own.ru_stime,
        int(cursor.fetchone()[1]),
    )


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    found = [int(child) for task in tasks for child in task.read_text().split()]
    return found + [grandchild for child in found for grandchild in _children(child)]
