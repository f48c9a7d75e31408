"""A session's room, with a double in LiveKit's place, and browsers that come into it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from courses.models import CourseSession
from tests.browser.conftest import FLAGS, WATCHES, program_of
from tests.browser.doing import press
from tests.browser.hall import Hall
from tests.browser.room.seeing import DESKTOP, DEVICES, tile, wait_for_devices
from tests.conversations import CONFIGURED
from tests.factories import make_course, start_session
from tests.livekit import LiveKit, serving


@pytest.fixture(scope="package")
def browser(browser: Browser) -> Iterator[Browser]:
    """Chromium itself: its shell has no camera and no microphone to give."""
    whole = browser.browser_type.launch(executable_path=program_of("chromium"), args=FLAGS)
    yield whole
    whole.close()


@pytest.fixture
def client_file(settings: Any, tmp_path: Any) -> None:
    """The page looks for LiveKit's client before it asks for it; a fresh clone has none."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "livekit-client.js").touch()
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, tmp_path]


@pytest.fixture
def livekit(settings: Any, client_file: None) -> Iterator[LiveKit]:
    """LiveKit's room service, to which the page's own server speaks."""
    known = LiveKit()
    with serving(known) as url:
        for name, value in (CONFIGURED | {"LIVEKIT_URL": url}).items():
            setattr(settings, name, value)
        yield known


@pytest.fixture
def lesson(livekit: LiveKit) -> CourseSession:
    """A session that began five minutes ago."""
    session = make_course(sessions=1, title="Spanish to go").sessions.get()
    start_session(session)
    return session


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def visit(open_page: Callable[..., Page], hall: Hall) -> Callable[..., Page]:
    """Open a session's room in a browser of the user's own, whose clock can be put forward."""

    def visit(user: User, session: CourseSession, *scripts: str, **options: Any) -> Page:
        page = open_page(user, **{"viewport": DESKTOP, **DEVICES, **options})
        for script in scripts:
            page.context.add_init_script(script)
        page.clock.install()
        hall.open_to(page.context)
        page.goto(reverse("enrollments:room", args=[session.pk]))
        return page

    return visit


@pytest.fixture
def join(visit: Callable[..., Page]) -> Callable[..., Page]:
    def join(user: User, session: CourseSession, *scripts: str, **options: Any) -> Page:
        page = visit(user, session, *scripts, **options)
        if options.get("permissions") != []:
            wait_for_devices(page)
        # Its last question on the way in: what a test changes next would have it refused.
        with page.expect_response("**/room/in/"):
            press(page, "Join now")
        expect(tile(page, "(you)")).to_be_visible()
        return page

    return join


@pytest.fixture
def refused(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Our server will refuse with this status, as it has to, and nothing else goes wrong."""

    def refused(status: int) -> None:
        for watch in request.node.stash[WATCHES]:
            watch.refused.add(status)

    return refused
