from collections.abc import Callable, Iterator
from typing import Any

import pytest

from common import transactions
from common.models import LockingQuerySet
from common.prepared import EVERY
from tests.concurrency.racing import Interruption, Meeting


@pytest.fixture
def without_locks(monkeypatch) -> Iterator[None]:
    """Rows are read as if FOR UPDATE had been forgotten."""
    monkeypatch.setattr(LockingQuerySet, "locked", lambda rows: rows)
    # It would lock the course all the same.
    monkeypatch.setattr("courses.services._mark", lambda course: None)
    forget_statements()
    yield
    forget_statements()


def forget_statements() -> None:
    """Have every prepared statement written anew."""
    for known in EVERY:
        known.forget()


@pytest.fixture
def meeting(monkeypatch) -> Callable[..., Meeting]:
    return lambda parties=2: Meeting(monkeypatch, parties)


@pytest.fixture
def interruption(monkeypatch) -> Interruption:
    return Interruption(monkeypatch)


@pytest.fixture
def retried(monkeypatch) -> list[Any]:
    """The database errors for which an operation was tried again, as they come."""
    errors: list[Any] = []
    decide = transactions.is_retryable

    def note(error: Any) -> bool:
        errors.append(error)
        return decide(error)

    monkeypatch.setattr(transactions, "is_retryable", note)
    return errors
