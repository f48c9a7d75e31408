"""The one order in which rows are locked. Operations that all keep to it never deadlock.

Every function that locks rows reports them with `take`, which refuses them if a later row is
locked already.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum, auto
from uuid import UUID


class Rank(IntEnum):
    """The kinds of rows, in the order in which they are locked; rows of one kind by key."""

    KEY = auto()
    COURSE = auto()
    SESSION = auto()
    BOOKING = auto()
    HOLD = auto()
    PART = auto()
    TOP_UP = auto()
    REFUND = auto()
    DISPUTE = auto()
    EVENT = auto()
    WITHDRAWAL = auto()
    GRANT = auto()
    ACCOUNT = auto()
    NOTICE = auto()


Row = tuple[Rank, UUID]


class OutOfOrderError(AssertionError):
    """A defect: sooner or later, two operations that lock in this order will deadlock."""

    def __init__(self, row: Row, last: Row | None) -> None:
        rank, key = row
        after = f"after {last[0].name} {last[1]}" if last else "outside of an operation"
        super().__init__(f"{rank.name} {key} is locked {after}: docs/money.md has the order")


# What the running operation has locked, in order; None outside of an operation.
_taken: ContextVar[dict[Row, None] | None] = ContextVar("taken", default=None)
_UNORDERED: dict[Row, None] = {}


@contextmanager
def nothing_taken() -> Iterator[None]:
    """For a new transaction: it has locked nothing yet."""
    token = _taken.set({})
    try:
        yield
    finally:
        _taken.reset(token)


@contextmanager
def in_any_order() -> Iterator[None]:
    """For many operations in one transaction with nothing beside it, as in an empty database."""
    token = _taken.set(_UNORDERED)
    try:
        yield
    finally:
        _taken.reset(token)


def is_unordered() -> bool:
    """Whether rows are being locked `in_any_order`."""
    return _taken.get() is _UNORDERED


def take(rank: Rank, *keys: UUID) -> None:
    """Note that the running operation locks these rows. Rows that it holds already are fine.

    Raises `OutOfOrderError` if it holds a row that comes later in the order.
    """
    if is_unordered():
        return
    taken = _taken.get()
    for row in [(rank, key) for key in sorted(keys)]:
        last = next(reversed(taken), None) if taken else None
        if taken is None or (last and row < last and row not in taken):
            raise OutOfOrderError(row, last)
        taken[row] = None
