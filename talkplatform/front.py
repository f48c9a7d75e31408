"""HAProxy in front of our processes, so that nobody holds one of them while sending or reading."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("haproxy.cfg")
OLDEST = (2, 6)
# Whoever ends by itself sooner than this did not start.
SOON_SECONDS = 3
SYSTEM = "/usr/local/sbin:/usr/sbin"
# The socket that our processes share.
SOCKET = "processes"


def find(name: str) -> str | None:
    """The path of a HAProxy that will do; None where there is none, or none is wanted."""
    program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM}") if name else None
    return program if program and _version(program) >= OLDEST else None


def _version(program: str) -> tuple[int, int]:
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class Front(threading.Thread):
    """Starts HAProxy once a process is ready, and again when it ends by itself.

    `place` is a folder of our own: its socket leads past HAProxy. `values` fill haproxy.cfg.
    """

    def __init__(self, program: str, place: Path, **values: object) -> None:
        super().__init__(daemon=True)
        self.failed = False
        self._socket = place / SOCKET
        self._command = [*_ends_with_us(), program, "-db", "-f", str(CONFIGURATION)]
        self._environment = {name: str(value) for name, value in values.items()}
        self._environment |= {"PLACE": str(place), "SOCKET": str(self._socket)}
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        while not self._over.is_set() and not self._somebody_serves():
            self._over.wait(0.1)
        while not self._over.is_set():
            # In a session of its own: Ctrl-C at the terminal is for us.
            self._process = subprocess.Popen(
                self._command, env=self._environment, start_new_session=True
            )
            self._watch(self._process)

    def _somebody_serves(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for its end; the server ends too where it could not even start."""
        started = time.monotonic()
        gave_up = process.wait() >= 0 and time.monotonic() - started < SOON_SECONDS
        self.failed = gave_up and not self._over.is_set()
        if self.failed:
            print("HAProxy did not start.", file=sys.stderr, flush=True)
            self._over.set()
            os.kill(os.getpid(), signal.SIGTERM)
        elif not self._over.is_set():
            print("HAProxy has ended: starting it again.", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """End it; whoever still waits there is cut off."""
        self._over.set()
        while self.is_alive():
            if self._process:
                self._process.kill()
            self.join(0.1)


def _ends_with_us() -> list[str]:
    """What has the kernel end a command together with us, even if we are killed."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
