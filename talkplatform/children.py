"""Processes beside the server: started again when they end by themselves, and ended with it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

# Nobody forks while a command is being started. The fork would keep the pipe that tells of its
# start, which would be waited for until the fork has ended.
_STARTING = threading.Lock()
os.register_at_fork(
    before=_STARTING.acquire,
    after_in_parent=_STARTING.release,
    after_in_child=_STARTING.release,
)


class Child(threading.Thread):
    """Starts a command, and starts it again when it ends by itself; `name` is for people."""

    # A process that ends by itself sooner than this did not start.
    SOON_SECONDS = 3
    LONGEST_PAUSE = 30

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(name=name, daemon=True)
        self._command, self._environment = command, environment
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._pause, self._told_at = 0.5, 0.0

    def run(self) -> None:
        self.wait_until_wanted()
        while not self._over.is_set():
            started = time.monotonic()
            # In a session of its own: Ctrl-C at the terminal is for us.
            with _STARTING:
                self._process = subprocess.Popen(
                    self._command, env=self._environment, start_new_session=True
                )
            status = self._process.wait()
            if not self._over.is_set():
                self.has_ended(status, soon=time.monotonic() - started < self.SOON_SECONDS)

    def wait_until_wanted(self) -> None:
        """Come back once it is time to start it."""

    def has_ended(self, status: int, *, soon: bool) -> None:
        """It ended by itself. One that does so again and again is started more and more rarely."""
        say(f"{self.name} has ended: starting it again.")
        self._pause = min(2 * self._pause, self.LONGEST_PAUSE) if soon else 0.5
        self._over.wait(self._pause)

    def tell(self) -> None:
        """Ask it to end, and not to be started again. A repeat changes nothing."""
        if not self._over.is_set():
            self._over.set()
            self._told_at = time.monotonic()
        if self._process:
            self._process.terminate()

    def stop(self, *, within: float = 0) -> None:
        """End it; it has so many seconds from when it was asked to end by itself."""
        self.tell()
        while self.is_alive():
            if self._process and time.monotonic() > self._told_at + within:
                self._process.kill()
            elif self._process:
                self._process.terminate()
            self.join(0.1)


def say(words: str) -> None:
    """Tell those who watch the server."""
    print(words, file=sys.stderr, flush=True)
