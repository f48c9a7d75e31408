"""The proof that no cent was made or lost: every invariant, on one snapshot of the database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from common.money import CENT
from common.shapes import Json
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
# What requests for it are called.
NAME = "audit"
# How many rows of a finding are kept to be shown.
SHOWN = 20
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


Ask = Callable[[Check], list[Offender]]


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
        ask = _asking(cursor)
        return [_examine(ask, invariant) for invariant in INVARIANTS]


def as_json(findings: Sequence[Finding]) -> Json:
    """What was found, with `SHOWN` rows of each kind, and how many there are."""
    return {"findings": [_as_json(finding) for finding in findings]}


def _as_json(finding: Finding) -> Json:
    rows = {"offenders": finding.offenders, "notices": finding.notices}
    shown = {name: [asdict(row) for row in found[:SHOWN]] for name, found in rows.items()}
    counts = {f"{name}_count": len(found) for name, found in rows.items()}
    return {"code": finding.code, "promise": finding.promise, "ok": finding.ok} | shown | counts


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


def _asking(cursor: CursorWrapper) -> Ask:
    """What asks the checks, with all that is the same for each of them."""
    # Read after the snapshot, so everything in it happened before.
    values: Json = {"now": connection.ops.adapt_datetimefield_value(timezone.now())}
    shared = {name: _kept(cursor, name, values) for name in books.SHARED}
    common = books.COMMON.format(session_ends=books.SESSION_ENDS[connection.vendor], **shared)

    def ask(check: Check) -> list[Offender]:
        cursor.execute(f"{common} {check.sql} LIMIT {AT_MOST}", values)
        names = [column[0] for column in cursor.description][1:]
        return [
            Offender(_text(key), _describe(check.problem, names, facts))
            for key, *facts in cursor.fetchall()
        ]

    return ask


def _kept(cursor: CursorWrapper, name: str, values: Json) -> str:
    """SQL for the rows of a common table without reading one: they are among the `values` then.

    In a broken ledger they may be too many to keep. Then each check that needs them reads them.
    """
    cursor.execute(f"{books.SHARED[name]} LIMIT {AT_MOST + 1}", values)
    columns, rows = [column[0] for column in cursor.description], cursor.fetchall()
    if len(rows) > AT_MOST:
        return books.SHARED[name]
    selects = [f"SELECT {', '.join(f'NULL AS {column}' for column in columns)} WHERE 1 = 0"]
    for number, row in enumerate(rows):
        keys = [f"{name}_{number}_{column}" for column in columns]
        values.update(zip(keys, row, strict=True))
        selects.append("SELECT " + ", ".join(f"%({key})s" for key in keys))
    return " UNION ALL ".join(selects)


def _examine(ask: Ask, invariant: Invariant) -> Finding:
    finding = Finding(invariant.code, invariant.promise)
    for check in invariant.checks:
        found = finding.notices if check.notice else finding.offenders
        found += ask(check)
    return finding


def _describe(problem: str, names: Sequence[str], values: Sequence[object]) -> str:
    """The problem, with what was found about the row: of each column its name in plain words."""
    plain = [name.removesuffix("_id").replace("_", " ") for name in names]
    facts = [f"{name} {_text(value)}" for name, value in zip(plain, values, strict=True)]
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
