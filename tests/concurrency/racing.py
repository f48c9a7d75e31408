"""Calls that really run at once: a thread and a connection each."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

TIMEOUT_SECONDS = 60
AT_A_TIME = 20


def race(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned or raised, in order; up to twenty start together."""
    threads = min(len(calls), AT_A_TIME)
    start = Barrier(threads)

    def run(number: int) -> Any:
        try:
            connection.ensure_connection()
            # A thread each: nobody passes who is not met by all the others.
            if number < threads:
                start.wait(TIMEOUT_SECONDS)
            return calls[number]()
        except Exception as error:
            return error
        finally:
            connection.close()

    pool = ThreadPoolExecutor(threads)
    futures = [pool.submit(run, number) for number in range(len(calls))]
    late = wait(futures, TIMEOUT_SECONDS).not_done
    pool.shutdown(wait=not late, cancel_futures=True)
    assert not late, f"{len(late)} calls hang"
    return [future.result() for future in futures]


def wait_until_waiting(number: int) -> None:
    """Until so many transactions wait for locks."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    with connection.cursor() as cursor:
        while cursor.execute(waiting) and cursor.fetchone() != (number,):
            assert time.monotonic() < deadline
            time.sleep(0.2)  # asked more often than this the table stays as it was


def make_due(model: Any) -> None:
    """Have the job look at all that it is to look at again, now.

    Each is locked by its key, as others lock it: along the index of what is due, one of the two
    could be rolled back.
    """
    for key in model.objects.exclude(next_look_at=None).values_list("pk", flat=True):
        with transaction.atomic():
            if model.objects.select_for_update().get(pk=key).next_look_at:
                model.objects.filter(pk=key).update(next_look_at=timezone.now())


def kinds(outcomes: list[Any]) -> Counter[str]:
    """How many there are of each class."""
    return Counter(type(outcome).__name__ for outcome in outcomes)


class Meeting:
    """A point that nobody passes alone; after that it is open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, parties: int = 2) -> None:
        self.monkeypatch = monkeypatch
        self.barrier = Barrier(parties)
        self.over = False

    def wait(self) -> None:
        if not self.over:
            self.barrier.wait(TIMEOUT_SECONDS)
            self.over = True

    def before(self, owner: Any, name: str) -> None:
        """Whoever calls this function meets the others first."""
        call = getattr(owner, name)

        def met(*args: Any, **kwargs: Any) -> Any:
            self.wait()
            return call(*args, **kwargs)

        self.monkeypatch.setattr(owner, name, met)

    def after(self, owner: Any, name: str) -> None:
        """Whoever has called this function meets the others, and then goes on."""
        call = getattr(owner, name)

        def met(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            self.wait()
            return result

        self.monkeypatch.setattr(owner, name, met)


class Interruption(Meeting):
    """A point at which one call waits until another has begun, and is done and committed."""

    def wait(self) -> None:
        self.barrier.wait(TIMEOUT_SECONDS)
        self.barrier.wait(TIMEOUT_SECONDS)

    def by(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """The call that comes in between."""

        def between() -> Any:
            self.barrier.wait(TIMEOUT_SECONDS)
            try:
                return call()
            finally:
                self.barrier.wait(TIMEOUT_SECONDS)

        return between
