"""A fresh clone without settings: people meet at once, or read what is missing for that."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo.data import PASSWORD
from tests.browser.doing import click, press, says
from tests.browser.live import NAMES, Meeting, chromium, grows
from tests.cloning import clone_to
from tests.livekit.real import RealLiveKit
from tests.test_running import PATIENCE, free_port, is_answered, within

pytestmark = [pytest.mark.livekit, pytest.mark.once]
# What tells a start of how others want it.
UNSET = (*NAMES, "ENV_FILE", "SECRET_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "HTTPS")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone_to(tmp_path_factory.mktemp("newcomer"))


@contextmanager
def started(tree: Path, **environment: str) -> Iterator[str]:
    """The site that `script/server` serves, until Ctrl-C: then its LiveKit is gone, too."""
    command = ["env", *(f"--unset={name}" for name in UNSET), "script/server"]
    port, own = free_port(), {"LIVEKIT_PID": "", "LIVEKIT_CONFIG": ""}
    with tempfile.TemporaryDirectory(prefix="new-") as place:
        own |= {"PORT": str(port), "TMPDIR": place} | environment
        with subprocess.Popen(
            command, cwd=tree, env=os.environ | own, start_new_session=True
        ) as process:
            try:
                assert within(4 * PATIENCE, lambda: is_answered(port, "readyz"))
                yield f"http://127.0.0.1:{port}"
                os.killpg(process.pid, signal.SIGINT)
                assert process.wait(PATIENCE) == 0
            finally:
                process.kill()
        assert not any(Path(place).glob("livekit.*"))
        assert processes_of(place) == []


def processes_of(place: str) -> list[str]:
    """Those that were begun with something that lies there."""
    found = subprocess.run(["pgrep", "-f", place], capture_output=True, text=True, check=False)
    return found.stdout.split()


def log_in(meeting: Meeting, email: str) -> Page:
    page = meeting.open()
    page.goto("/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Log in")
    return page


def test_with_livekit_on_the_path_a_newcomer_meets_in_a_room_at_once(tree, tmp_path):
    (tmp_path / "livekit-server").symlink_to(shutil.which(RealLiveKit().program) or "")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    with started(tree, PATH=path, LIVEKIT_SERVER="") as url, chromium() as browser:
        meeting = Meeting(browser, url)
        theirs = log_in(meeting, "claire@example.com")
        theirs.get_by_role("link", name="Start session").first.click()
        ours = log_in(meeting, "tom@example.com")
        click(ours, "Join")
        for page in (theirs, ours):
            press(page, "Join now")
            expect(page.get_by_role("listitem").filter(has_text="(you)")).to_be_visible()
        for page in (theirs, ours):
            grows(page, "frames")
        assert meeting.problems == []


def test_without_livekit_the_page_says_what_is_missing(tree):
    with started(tree, LIVEKIT_SERVER="/nowhere/livekit-server") as url, chromium() as browser:
        meeting = Meeting(browser, url)
        page = log_in(meeting, "tom@example.com")
        click(page, "Join")
        says(page, "The room is open, but video is not set up on this site.")
        says(page, "It needs a LiveKit server")
        assert meeting.problems == []
