"""Where a run of the suite keeps its files: one folder, which goes with the run.

Servers and commands that tests start share it, as they may be killed, and then clear nothing away.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

PREFIX = "talkplatform-tests-"
TOLD = "TESTS_SCRATCH"


def scratch() -> Path:
    """The folder of this process.

    Only pytest makes it: a type checker reads the settings, too.
    """
    if "pytest" not in sys.modules:
        return own(os.environ.get(TOLD, f"{tempfile.gettempdir()}/{PREFIX}nobody"))
    if TOLD not in os.environ:
        clear_away_the_dead()
        os.environ[TOLD] = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
        atexit.register(shutil.rmtree, os.environ[TOLD], ignore_errors=True)
    place = own(os.environ[TOLD])
    place.mkdir(exist_ok=True)
    return place


def own(folder: str) -> Path:
    """Runs side by side do not share what they keep, but what they start does."""
    return Path(folder, os.environ.get("PYTEST_XDIST_WORKER", "main"))


def clear_away_the_dead() -> None:
    """What runs left behind that were killed themselves."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = left.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
