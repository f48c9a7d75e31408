"""HAProxy in front of our processes, so that nobody holds one of them while sending or reading."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from talkplatform.children import Child, say

CONFIGURATION = Path(__file__).with_name("haproxy.cfg")
OLDEST = (2, 6)
SYSTEM = "/usr/local/sbin:/usr/sbin"
# The socket that our processes share.
SOCKET = "processes"
# So many milliseconds before it came, a request about money counts as having come.
HEAD_START = 1000


def find(name: str) -> str | None:
    """The path of a HAProxy that will do; None where there is none, or none is wanted."""
    program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM}") if name else None
    return program if program and _version(program) >= OLDEST else None


def _version(program: str) -> tuple[int, int]:
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def most_slow(processes: int) -> dict[str, int]:
    """How many pages, sign-ins, files, and requests known as slow are worked on at once.

    From three processes on, pages (the others among them) leave one to purchases, and what is slow
    leaves one more to pages and sign-ins. Of two, sign-ins leave one, and so does what is slow.
    Files, which are slow too, take half of what that may, and leave the rest to staff's pages.
    """
    pages = processes - 1 if processes > 2 else processes
    others = max(processes - 2, 1)
    few = max(others // 2, 1)
    return {"PAGES": pages, "SIGN_INS": few, "FILES": few, "SLOW": others}


class Front(Child):
    """Starts HAProxy once a process is ready, and again when it ends by itself.

    `place` is a folder of our own: its socket leads past HAProxy. `processes` is how many requests
    are worked on at once, and `values` fill the rest of haproxy.cfg.
    """

    def __init__(self, program: str, place: Path, processes: int, **values: object) -> None:
        command = [*_ends_with_us(), program, "-db", "-f", str(CONFIGURATION)]
        told = {"PROCESSES": processes, "HEAD_START": HEAD_START} | most_slow(processes) | values
        environment = {name: str(value) for name, value in told.items()}
        self._socket = place / SOCKET
        environment |= {"PLACE": str(place), "SOCKET": str(self._socket)}
        super().__init__("HAProxy", command, environment)
        self.failed = False

    def wait_until_wanted(self) -> None:
        """Once a process of ours can be asked."""
        while not self._over.is_set() and not self._somebody_serves():
            self._over.wait(0.1)

    def _somebody_serves(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def has_ended(self, status: int, *, soon: bool) -> None:
        """The server ends too where it could not even start; a kill is no such case."""
        if soon and status >= 0:
            say("HAProxy did not start.")
            self.failed = True
            self.tell()
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            super().has_ended(status, soon=False)


def _ends_with_us() -> list[str]:
    """What has the kernel end a command together with us, even if we are killed."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
