"""How often something may be asked for, as each process counts for itself, in memory."""

import time
from collections import Counter


class Pace:
    """At most so many times in each window of some seconds, for each key.

    For what is asked for all the time by machines, where a count in the database would cost more
    than what it spares. Only keys of ours are counted, so it takes no more room than there are.
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
