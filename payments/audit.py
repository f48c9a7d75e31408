"""The proof that no cent was made or lost: every invariant, on one snapshot of the database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from common.money import CENT
from payments import booking_invariants as bookings
from payments import deciding_invariants as deciding
from payments import invariants as books
from payments import outside_invariants as outside
from payments.invariants import Check, Invariant

INVARIANTS = (
    books.BALANCES,
    books.ESCROW,
    books.HOLD_STATUS,
    books.HOLD_TRANSFERS,
    books.HOLD_PARTS,
    bookings.HOLDS_OF_BOOKINGS,
    bookings.SEATS,
    bookings.NOTHING_TWICE,
    books.OPEN_WITHDRAWALS,
    books.WITHDRAWAL_TRANSFERS,
    books.ZERO_SUM,
    bookings.SETTLED_SESSIONS,
    books.SHARES,
    books.DIRECTIONS,
    bookings.ADMITTED,
    outside.TOP_UPS,
    outside.DEBTS,
    outside.REFUNDS,
    outside.DISPUTES,
    deciding.PARTIES,
    bookings.NEXT_STARTS,
)
# A broken ledger may have millions of offending rows; nobody reads more than this.
AT_MOST = 1000
# Sums by row are looked up in memory; the isolation is the next transaction's only.
_SNAPSHOT = (
    "SET SESSION tmp_table_size = 1073741824, max_heap_table_size = 1073741824",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_AFTERWARDS = "SET SESSION tmp_table_size = DEFAULT, max_heap_table_size = DEFAULT"


@dataclass(frozen=True)
class Offender:
    """A row's id (or a name, if it isn't a row), and what is wrong with it."""

    id: str
    problem: str


@dataclass(frozen=True)
class Finding:
    """What one invariant shows; `notices` are worth knowing but break no promise."""

    code: str
    promise: str
    offenders: list[Offender] = field(default_factory=list)
    notices: list[Offender] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.offenders


def run() -> list[Finding]:
    """Check every invariant; gives a finding for each, with at most `AT_MOST` rows a check.

    Reads one snapshot and locks nothing, so it may run on a live system; inside a transaction it
    reads what that one sees.
    """
    with _snapshot() as cursor:
        # Read after the snapshot, so everything in it happened before.
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        return [_examine(cursor, invariant, now) for invariant in INVARIANTS]


@contextmanager
def _snapshot() -> Iterator[CursorWrapper]:
    with connection.cursor() as cursor:
        if connection.in_atomic_block:
            yield cursor
            return
        for statement in _SNAPSHOT if connection.vendor == "mysql" else ("BEGIN",):
            cursor.execute(statement)
        try:
            yield cursor
        finally:
            cursor.execute("ROLLBACK")
            if connection.vendor == "mysql":
                cursor.execute(_AFTERWARDS)


def _examine(cursor: CursorWrapper, invariant: Invariant, now: str | None) -> Finding:
    finding = Finding(invariant.code, invariant.promise)
    for check in invariant.checks:
        found = finding.notices if check.notice else finding.offenders
        found += _offenders(cursor, check, now)
    return finding


def _offenders(cursor: CursorWrapper, check: Check, now: str | None) -> Iterator[Offender]:
    common = books.COMMON.format(session_ends=books.SESSION_ENDS[connection.vendor])
    cursor.execute(f"{common} {check.sql} LIMIT {AT_MOST}", {"now": now})
    names = [column[0] for column in cursor.description][1:]
    for key, *values in cursor.fetchall():
        yield Offender(_text(key), _describe(check.problem, names, values))


def _describe(problem: str, names: Sequence[str], values: Sequence[object]) -> str:
    facts = [f"{name} {_text(value)}" for name, value in zip(names, values, strict=True)]
    return f"{problem} ({', '.join(facts)})" if facts else problem


def _text(value: object) -> str:
    """The same spelling on every database: dashed keys, amounts with two places."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return str(Decimal(value).quantize(CENT))
    try:
        return str(UUID(str(value)))
    except ValueError:
        return str(value)
