"""What a process remembers for a while of what it found out about courses."""

import time
from collections.abc import Hashable
from typing import Any, ClassVar, Generic, TypeVar

from django.conf import settings

N = TypeVar("N")
# Things that a process notes of one kind.
MOST_NOTED = 1000


class Notes(Generic[N]):
    """What this process found lately, which counts for `SEARCH_VOCABULARY_SECONDS`.

    It tells how to ask and what may be meant. Whether a course meets what is asked for is always
    asked, but for this: of a beginning that many have, a new word counts once the note is old.
    """

    every: "ClassVar[list[Notes[Any]]]" = []

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, N]] = {}
        self.every.append(self)

    def get(self, key: Hashable) -> N | None:
        at, value = self._kept.get(key, (0.0, None))
        return value if time.monotonic() - at < settings.SEARCH_VOCABULARY_SECONDS else None

    def put(self, key: Hashable, value: N) -> N:
        if len(self._kept) >= MOST_NOTED:
            self._kept.clear()
        self._kept[key] = time.monotonic(), value
        return value

    def drop(self, key: Hashable) -> None:
        self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()


def forget_notes() -> None:
    """Find everything out again."""
    for notes in Notes.every:
        notes.clear()
