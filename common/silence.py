"""Servers of others that don't answer: the first to find out keeps nobody else waiting."""

import time


class Silence:
    """Until when this process takes a server for silent, and doesn't ask it; by its address."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def lasts(self, server: str) -> bool:
        return time.monotonic() < self._until.get(server, 0.0)

    def begin(self, server: str, seconds: float) -> None:
        self._until[server] = time.monotonic() + seconds

    def end(self, server: str) -> None:
        self._until.pop(server, None)
