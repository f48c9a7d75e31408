from collections.abc import Callable
from typing import Any

import pytest

from common import transactions
from common.models import LockingQuerySet
from tests.concurrency.racing import Interruption, Meeting


@pytest.fixture
def without_locks(monkeypatch) -> None:
    """Rows are read as if FOR UPDATE had been forgotten."""
    monkeypatch.setattr(LockingQuerySet, "locked", lambda rows: rows)


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
