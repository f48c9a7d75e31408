"""Readers of calendars that are not ours: ical.js says what it understands, vdirsyncer keeps it."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Node and vdirsyncer come with requirements-dev.txt.
TOOLS = Path(sys.executable).parent
CONFIGURATION = """
[general]
status_path = "{place}/status"
[pair sessions]
a = "feed"
b = "disk"
collections = null
[storage feed]
type = "http"
url = "{address}"
[storage disk]
type = "filesystem"
path = "{place}/disk"
fileext = ".ics"
"""


def run(*words, **options):
    done = subprocess.run(
        words, cwd=HERE, env=_environment(), capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _environment():
    return os.environ | {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def ical_js():
    """Asks ical.js what it understands of an address, or of what it is given."""
    made, wanted = HERE / "node_modules" / ".made", (HERE / "package-lock.json").read_text()
    with (HERE / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != wanted:
            run("npm", "ci", "--no-audit", "--no-fund")
            made.write_text(wanted)

    def read(address="", source=""):
        return json.loads(run("node", "read.mjs", *filter(None, [address]), input=source))

    return read


@pytest.fixture
def subscribe(tmp_path):
    """Has vdirsyncer follow the feed at an address; gives what fetches it, and gives its events."""

    def follow(address):
        (tmp_path / "disk").mkdir()
        configuration = tmp_path / "config"
        configuration.write_text(CONFIGURATION.format(place=tmp_path, address=address))
        vdirsyncer = (str(TOOLS / "vdirsyncer"), "--config", str(configuration))
        run(*vdirsyncer, "discover")

        def sync():
            run(*vdirsyncer, "sync")
            return [path.read_text() for path in (tmp_path / "disk").iterdir()]

        return sync

    return follow
