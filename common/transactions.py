"""The one transaction that an operation runs in, and the one place that tries again."""

import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

from common.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 5
LOCK_WAIT_TIMEOUT = 1205
# Deadlock, lock wait, record changed since last read: the database undid the whole, so may we.
_RETRYABLE = {1213, LOCK_WAIT_TIMEOUT, 1020}

_inside: ContextVar[bool] = ContextVar("inside_operation", default=False)


def operation(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` all or nothing, in the outermost transaction, which commits durably.

    Called inside another operation it joins that one's transaction. Deadlocks and the like are
    tried again as a whole, at most `TRIES` times, then raise `Unavailable`; so does a lost
    connection, at once, since its commit may have succeeded.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _inside.get():
            return function(*args, **kwargs)
        return _retrying(lambda: function(*args, **kwargs))

    return run


def _retrying(attempt: Callable[[], R]) -> R:
    for tries_left in reversed(range(TRIES)):
        token = _inside.set(True)
        try:
            with transaction.atomic(durable=True):
                return attempt()
        except OperationalError as error:
            if not (tries_left and is_retryable(error)):
                raise Unavailable from error
        finally:
            _inside.reset(token)
        time.sleep(random.uniform(0.005, 0.05) * (TRIES - tries_left))
    raise AssertionError("the last try returns or raises")


def is_retryable(error: OperationalError) -> bool:
    """Whether the database undid the transaction for a reason that passes."""
    if connection.vendor == "sqlite":
        return "locked" in str(error)
    return bool(error.args) and error.args[0] in _RETRYABLE
