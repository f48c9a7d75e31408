"""Rows for a large platform: how many, by which keys, and the SQL that makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

SESSIONS = 4
MINUTES = 60
SHARE = Decimal("5.00")
PRICE = SESSIONS * SHARE

# Each kind of row has keys of its own: the kind in the middle of the key, the number at its end.
STUDENT, TEACHER, COURSE, SESSION, ENROLLMENT, HOLD, PART, PURCHASE = range(1, 9)
ACCOUNT = {"wallet": 1, "earnings": 2, "withdrawing": 3}
TRANSFER = {"grant": 30, "hold": 31, "release": 32}
ATTENDANCE, KEY, NOTICE, TOP_UP, EVENT = range(40, 45)

# SQL about a row; `#` stands for the row's number.
LONG_AGO = "NOW(6) - INTERVAL 60 DAY"
STAMPS = {"created_at": "NOW(6)", "updated_at": "NOW(6)"}


@dataclass(frozen=True)
class Size:
    """How much to make. All students have equally many courses, all courses as many students.

    A course more than these is left for each student, of which they buy a session.
    """

    students: int
    courses: int
    enrollments: int

    @property
    def teachers(self) -> int:
        return max(self.courses // 10, 1)

    @property
    def is_even(self) -> bool:
        whole = self.enrollments % self.students == 0 and self.enrollments % self.courses == 0
        return whole and self.courses % self.teachers == 0 and self.each < self.courses

    @property
    def each(self) -> int:
        """How many courses a student is enrolled in."""
        return self.enrollments // self.students


@dataclass(frozen=True)
class Insert:
    """How to fill a table: `sql` makes a row of each `n` in load_numbers."""

    table: str
    rows: int
    sql: str


def insert(table: str, count: int, values: Mapping[str, object]) -> Insert:
    """So many rows with these values, given in SQL."""
    columns, expressions = ", ".join(values), ", ".join(map(str, values.values()))
    sql = f"INSERT INTO {table} ({columns}) SELECT {expressions} FROM load_numbers"  # noqa: S608
    return Insert(table, count, sql)


def key(kind: int, number: str) -> str:
    """SQL for the key of a row of this kind, in order of its number, given in SQL."""
    return f"CONCAT('01930000000070008{kind:03d}', LPAD(HEX({number}), 12, '0'))"


def key_of(kind: int, number: int) -> UUID:
    """The key that `key` makes in SQL."""
    return UUID(f"01930000000070008{kind:03d}{number:012x}")
