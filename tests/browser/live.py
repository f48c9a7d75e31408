"""The room as it is in production, beside a real LiveKit: script/with-livekit has started that."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect, sync_playwright

from accounts.models import User
from courses.models import CourseSession
from tests.browser.conftest import FLAGS, sign_in
from tests.browser.doing import press
from tests.browser.watch import Watch
from tests.serving import running, wait_until_ready
from tests.test_architecture import ROOT

# A picture, a beep, and nobody who has to be asked. Few pictures a second fit a small machine.
MEDIA_FLAGS = (
    *FLAGS,
    "--use-fake-device-for-media-stream=fps=5",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--auto-select-desktop-capture-source=Entire screen",
)
NAMES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
PREPARE = ". script/lib.sh; take_turn; bring_livekit_client; collect_static"
DESKTOP = {"width": 1280, "height": 800}
# So that its numbers can be read.
REMEMBER = """(() => {
  const Real = RTCPeerConnection;
  window.lines = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...values) {
      super(...values);
      window.lines.push(this);
    }
  };
})()"""
RECEIVED = """async () => {
  const sum = {frames: 0, energy: 0};
  for (const line of window.lines) {
    for (const row of (await line.getStats()).values()) {
      if (row.type !== "inbound-rtp") continue;
      sum.frames += row.framesDecoded ?? 0;
      sum.energy += row.totalAudioEnergy ?? 0;
    }
  }
  return sum;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")  # Playwright's loop is in this thread
        browser = playwright.chromium.launch(executable_path=program, args=MEDIA_FLAGS)
        yield browser
        browser.close()


@contextmanager
def site(**environment: str) -> Iterator[Any]:
    """The server of production with its collected files, where LiveKit's webhooks arrive."""
    port = os.environ["LIVEKIT_WEBHOOK_PORT"]
    url = f"http://127.0.0.1:{port}"
    production = {"DJANGO_SETTINGS_MODULE": "talkplatform.settings", "DEBUG": "false"}
    own = {"ENV_FILE": os.devnull, "SECRET_KEY": settings.SECRET_KEY, "HTTPS": "false"}
    place = {"PORT": port, "SITE_URL": url, "JOBS": "false"}
    wanted = production | place | {name: os.environ[name] for name in NAMES} | environment
    prepared = os.environ | production | own
    subprocess.run(
        ["bash", "-euc", PREPARE], cwd=ROOT, check=True, env=prepared, capture_output=True
    )
    with running("-m", "talkplatform.serve", **wanted) as process:
        process.url = url
        wait_until_ready(process)
        yield process


class Meeting:
    """Browsers that meet at a site; `problems` are what went wrong, but for the `expected`."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url
        self.watches: list[Watch] = []
        # LiveKit's client says so where many come at once.
        self.expected = ["MaxListenersExceeded"]

    @property
    def problems(self) -> list[str]:
        found = [problem for watch in self.watches for problem in watch.problems]
        return [one for one in found if not any(words in one for words in self.expected)]

    def open(self, user: User | None = None, **options: Any) -> Page:
        wanted = {"viewport": DESKTOP, "base_url": self.url, **options}
        context = self.browser.new_context(**wanted)
        context.set_default_timeout(60_000)
        context.add_init_script(REMEMBER)
        self.watches.append(Watch(context, self.url))
        if user:
            sign_in(context, user, self.url)
        return context.new_page()

    def visit(self, user: User, session: CourseSession, **options: Any) -> Page:
        page = self.open(user, **options)
        page.goto(reverse("enrollments:room", args=[session.pk]))
        return page

    def join(self, user: User, session: CourseSession, **options: Any) -> Page:
        page = self.visit(user, session, **options)
        press(page, "Join now")
        expect(page.get_by_role("listitem").filter(has_text="(you)")).to_be_visible()
        return page

    def close(self) -> None:
        for watch in self.watches:
            watch.context.close()


def grows(page: Page, what: str, *, seconds: int = 15) -> None:
    """Wait until more of it arrives."""
    before = page.evaluate(RECEIVED)[what]
    for _ in range(seconds * 5):
        page.wait_for_timeout(200)
        if page.evaluate(RECEIVED)[what] > before:
            return
    raise AssertionError(f"no more {what}")


def stops(page: Page, what: str) -> None:
    """Wait until a second goes by in which none of it arrives."""
    before = None
    for _ in range(15):
        now = page.evaluate(RECEIVED)[what]
        if now == before:
            return
        before = now
        page.wait_for_timeout(1000)
    raise AssertionError(f"still more {what}")
