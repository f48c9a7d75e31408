"""Readers of calendars that are not ours: ical.js says what it understands, vdirsyncer keeps it."""

import json
from pathlib import Path

import pytest

from tests import node
from tests.factories import make_course, student_with_credit

HERE = Path(__file__).parent
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


@pytest.fixture
def student():
    return student_with_credit(display_name="Ada", email="ada@example.com")


@pytest.fixture
def course():
    return make_course(sessions=3)


@pytest.fixture
def session(course):
    return course.sessions.first()


@pytest.fixture(scope="session")
def ical_js():
    """Asks ical.js what it understands of an address, or of what it is given."""
    node.install(HERE)

    def read(address="", source=""):
        words = filter(None, [address])
        return json.loads(node.run("node", "read.mjs", *words, at=HERE, input=source))

    return read


@pytest.fixture
def subscribe(tmp_path):
    """Has vdirsyncer follow the feed at an address; gives what fetches it, and gives its events."""

    def follow(address):
        (tmp_path / "disk").mkdir()
        configuration = tmp_path / "config"
        configuration.write_text(CONFIGURATION.format(place=tmp_path, address=address))
        vdirsyncer = (str(node.TOOLS / "vdirsyncer"), "--config", str(configuration))
        node.run(*vdirsyncer, "discover", at=HERE)

        def sync():
            node.run(*vdirsyncer, "sync", at=HERE)
            return [path.read_text() for path in (tmp_path / "disk").iterdir()]

        return sync

    return follow
