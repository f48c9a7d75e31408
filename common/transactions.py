"""The transaction that an operation runs in, and the only place that retries."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

from common.errors import Unavailable
from common.locks import is_unordered, nothing_taken

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 5
LOCK_WAIT_TIMEOUT = 1205
# Deadlock, lock wait, record changed since last read: everything was rolled back, so we may retry.
_RETRYABLE = {1213, LOCK_WAIT_TIMEOUT, 1020}
# Other passing problems: too many connections, a shutdown; a server or transaction that is
# read-only, as when a standby takes over; no connection, a lost one, and one that the driver
# closed.
_PASSING = _RETRYABLE | {1040, 1053, 1290, 1792, 1836, 2002, 2003, 2006, 2013, 0}


@dataclass
class _Running:
    """What an operation has done outside the database, and what it does last, in order."""

    beside: list[Callable[[], object]] = field(default_factory=list)
    last: list[Callable[[], object]] = field(default_factory=list)


# None if there is no operation.
_running: ContextVar[_Running | None] = ContextVar("running", default=None)


def operation(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` as a whole or not at all, in the outermost transaction, which commits durably.

    Inside another operation it joins that one's transaction. Deadlocks and the like are retried as
    a whole, at most `TRIES` times and never later than `DATABASE_WAIT_SECONDS` after the first
    attempt; after that, and for any other passing problem, it raises `Unavailable`. A lost
    connection is not retried, because its commit may have succeeded.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _running.get() is not None:
            return function(*args, **kwargs)
        return _retrying(lambda: function(*args, **kwargs))

    return run


def _retrying(attempt: Callable[[], R]) -> R:
    deadline = time.monotonic() + settings.DATABASE_WAIT_SECONDS
    for tried in range(1, TRIES + 1):
        token = _running.set(_Running())
        try:
            with nothing_taken(), transaction.atomic(durable=True):
                return _or_undo(attempt)
        except (OperationalError, InterfaceError) as error:
            pause = random.uniform(0.005, 0.05) * tried
            last = tried == TRIES or time.monotonic() + pause > deadline
            if last or not is_retryable(error):
                if is_passing(error):
                    raise Unavailable from error
                raise
        finally:
            _running.reset(token)
        time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def refuse_within_operation() -> None:
    """Raises `RuntimeError` inside an operation, where nothing may wait for others."""
    if _running.get() is not None:
        raise RuntimeError("This waits for others: it cannot be part of an operation.")


def on_undo(act: Callable[[], object]) -> None:
    """Have `act` called if the running operation is undone, for what the database cannot undo.

    Not once COMMIT has been sent: then it may have been committed, and everything that belongs to
    it has to stay. Outside an operation nothing is undone.
    """
    if running := _running.get():
        running.beside.append(act)


def undo() -> None:
    """Call what `on_undo` was given, latest first, and nothing that `at_last` was given.

    A repeat has nothing left to do.
    """
    if running := _running.get():
        running.last.clear()
        while running.beside:
            running.beside.pop()()


def at_last(act: Callable[[], object]) -> None:
    """Have `act` called once the running operation has done everything else, before it commits.

    For rows that nothing else should wait behind. It is called at once outside of an operation, and
    where rows are locked in any order.
    """
    running = _running.get()
    if running is None or is_unordered():
        act()
    else:
        running.last.append(act)


def _or_undo(attempt: Callable[[], R]) -> R:
    try:
        result = attempt()
        if running := _running.get():
            for act in running.last:
                act()
        return result
    except BaseException:
        undo()
        raise


def is_retryable(error: DatabaseError | InterfaceError) -> bool:
    """Whether the database undid the transaction for a reason that passes."""
    return _says(error, _RETRYABLE)


def is_passing(error: BaseException | None) -> bool:
    """Whether it is a database error with a passing reason; any other error is a defect."""
    return isinstance(error, DatabaseError | InterfaceError) and _says(error, _PASSING)


def _says(error: DatabaseError | InterfaceError, codes: set[int]) -> bool:
    """SQLite has messages instead of codes."""
    [code, *_] = error.args or [None]
    return "locked" in code if isinstance(code, str) else code in codes


@contextmanager
def unhurried(*, within: int | None = None) -> Iterator[None]:
    """For statements that take minutes: a connection without the limits of web requests.

    No statement takes longer than `within` seconds, if given. Inside a transaction it stays the
    same connection, because only that one sees what the transaction did.
    """
    hurried = connections[DEFAULT_DB_ALIAS]
    limits = settings.WEB_DATABASE_OPTIONS.keys() & hurried.settings_dict["OPTIONS"].keys()
    if not limits or hurried.in_atomic_block:
        yield
        return
    own = connections[DEFAULT_DB_ALIAS] = hurried.copy()
    options = own.settings_dict["OPTIONS"]
    for limit in limits:
        del options[limit]
    if within:
        connecting = settings.WEB_DATABASE_OPTIONS["connect_timeout"]
        options.update(read_timeout=within, connect_timeout=connecting)
    try:
        yield
    finally:
        own.close()
        connections[DEFAULT_DB_ALIAS] = hurried
