"""A pass of a job can end early, between two pieces of its work."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_has_to_end: ContextVar[Callable[[], bool]] = ContextVar("has_to_end", default=lambda: False)


@contextmanager
def ending_once(told: Callable[[], bool]) -> Iterator[None]:
    """The work inside is a pass, which ends early once it is `told` to."""
    token = _has_to_end.set(told)
    try:
        yield
    finally:
        _has_to_end.reset(token)


def in_time(pieces: Iterable[T]) -> Iterator[T]:
    """These pieces of work, until the pass has to end; all of them if no pass is running."""
    for piece in pieces:
        yield piece
        if _has_to_end.get()():
            return
