from collections.abc import Callable, Iterator
from typing import Any

import pytest

from common import transactions
from common.models import LockingQuerySet
from common.prepared import EVERY
from courses import services
from courses.models import Course
from payments.services import ledger
from tests.concurrency.racing import Interruption, Meeting


@pytest.fixture
def without_locks(monkeypatch) -> Iterator[None]:
    """Rows are read as if FOR UPDATE had been forgotten."""
    save = services.save_terms
    monkeypatch.setattr(LockingQuerySet, "locked", lambda rows: rows)

    def save_terms(course: Course, *names: str) -> None:
        if names and names != ("next_starts_at",):
            save(course, *names)

    # What follows from its sessions, as the next version of a course, would lock it all the same.
    monkeypatch.setattr(services, "save_terms", save_terms)
    # Nor would one statement that changes a wallet forget what another one has changed.
    monkeypatch.setattr(ledger, "_change_at_once", lambda entries, keys: {})
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
