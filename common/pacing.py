"""How often something may be requested, counted by each process in memory."""

import time
from collections import Counter


class Pace:
    """At most so many times per window of seconds, for each key.

    For frequent requests by machines, where counting in the database would cost more than it saves.
    Only our own keys are counted, so it needs no more room than there are keys.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._window = 0
        self._counts: Counter[str] = Counter()

    def wait(self, key: str, limit: int) -> int:
        """Count this time; gives 0, or above `limit` the seconds until the next window."""
        window, passed = divmod(int(time.time()), self._seconds)
        if window != self._window:
            self._window, self._counts = window, Counter()
        self._counts[key] += 1
        return self._seconds - passed if self._counts[key] > limit else 0
