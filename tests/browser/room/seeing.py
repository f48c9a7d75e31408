"""What is to be seen in a room, and who may be there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from courses.models import CourseSession
from enrollments.services.enrolling import enroll_full_course
from tests.factories import start_session, student_with_credit

PHONE, ON_ITS_SIDE = {"width": 360, "height": 740}, {"width": 740, "height": 360}
DESKTOP = {"width": 1280, "height": 800}
DEVICES = {"permissions": ["camera", "microphone", "screen-wake-lock"]}
# As long as the page waits before it asks our server again.
LOOK_SECONDS = 10
# The next answer of our server is held until the page is let go on.
HOLD = """() => {
  const { fetch } = window;
  window.fetch = async (...question) => {
    const answer = await fetch(...question);
    window.fetch = fetch;
    await new Promise((go) => (window.go = go));
    return answer;
  };
}"""


def student_of(session: CourseSession, **fields: Any) -> User:
    """A student of a session's course, which may run already: bought before it began."""
    student = student_with_credit(**fields)
    starts_at = CourseSession.objects.get(pk=session.pk).starts_at
    start_session(session, ago=-timedelta(days=1))
    enroll_full_course(student=student, course_id=session.course_id)
    start_session(session, ago=timezone.now() - starts_at)
    return student


def is_on(page: Page, device: str, *, on: bool) -> None:
    button = page.get_by_role("button", name=device, exact=True)
    expect(button).to_have_attribute("aria-pressed", str(on).lower())


def wait_for_devices(page: Page) -> None:
    """Whoever joins before they have started goes in without them."""
    for device in ("Camera", "Microphone"):
        is_on(page, device, on=True)


def tiles(page: Page) -> Locator:
    return page.get_by_role("list", name="People in the room").get_by_role("listitem")


def tile(page: Page, name: str) -> Locator:
    return tiles(page).filter(has_text=name)


def shows(tile: Locator, words: str) -> None:
    """These words are to be seen in a tile: each mark is in all of them, and mostly hidden."""
    expect(tile).to_contain_text(words, use_inner_text=True)


def until(page: Page, question: str, argument: Any = None) -> None:
    """Wait until the page answers yes: its policy forbids what Playwright would wait with."""
    for _ in range(600):
        if page.evaluate(question, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(question)


def eventually(page: Page, so: Callable[[], bool]) -> None:
    """Wait until it is so: what browsers send is heard while the page is waited for."""
    for _ in range(600):
        if so():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never was so")


def told(page: Page, words: str) -> None:
    """A screen reader is told this."""
    expect(page.locator("#announcements")).to_contain_text(words)


def look_again(page: Page) -> None:
    """Time goes by in which the page asks our server again."""
    page.clock.fast_forward(LOOK_SECONDS * 1000)
