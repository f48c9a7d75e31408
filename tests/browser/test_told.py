"""A teacher changes plans, and says so: what their student then sees, and by which clock."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives
from playwright.sync_api import Page, expect

from accounts.models import User
from calendars.feeds import feed_address, feed_of
from courses.models import Course
from courses.services import publish_course
from enrollments.services.enrolling import enroll_full_course
from notices.sending import send_due
from tests.browser.doing import click, fill, press, says
from tests.browser.watch import inaccessible, overflowing
from tests.calendars.conftest import ical_js
from tests.factories import TeacherFactory, extend_course, make_course, student_with_credit

__all__ = ["ical_js"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MADRID = {"timezone_id": "Europe/Madrid"}
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 860}
# The clocks of Madrid go forward on the 28th of March, those of New York did on the 14th.
SATURDAY = datetime(2027, 3, 27, 17, 0, tzinfo=UTC)
SUNDAY = SATURDAY + timedelta(days=1)
# It fits into no line of a phone.
WORD = "Straßenbahnhaltestellenbeleuchtungsverordnungsdurchführungsbestimmungen"
LONG = f"Conversation for travellers, in which we learn to read the {WORD}"
FLU = "I have the flu, and I'm sorry.\nWe'll make up for it!"
CLASH = "A dentist's appointment"
LINK = (
    "https://example.org/a-page-of-exercises-that-nobody-could-find-without-a-link-as-long-as-this"
)
WRITTEN = f"Read this before we meet:\n\n{LINK}\nIt's <short>."
MOVED = (
    f"“1. A lesson” in “{LONG}” has moved from Sat 27 Mar 2027, 18:00–19:00 CET to "
    "Mon 29 Mar 2027, 19:00–20:00 CEST."
)
CALLED_OFF = f"“2. A lesson” in “{LONG}” on Sun 28 Mar 2027, 19:00–20:00 CEST was cancelled."


@pytest.fixture(autouse=True)
def _in_march() -> Iterator[None]:
    with time_machine.travel(datetime(2027, 3, 20, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def course() -> Course:
    teacher = TeacherFactory(display_name="Sofía Marín", time_zone="America/New_York")
    draft = make_course(
        teacher=teacher, sessions=0, published=False, price_full_course="80.00", title=LONG
    )
    for start in (SATURDAY, SUNDAY):
        extend_course(draft, starts_at=start)
    return publish_course(course_id=draft.pk, actor=teacher)


@pytest.fixture
def student(course: Course) -> User:
    student = student_with_credit(
        "80.00", time_zone="Europe/Madrid", email="ada@example.com", display_name="Ada"
    )
    enroll_full_course(student=student, course_id=course.pk)
    return student


@pytest.fixture
def mails(
    course: Course,
    student: User,
    open_page: Callable[..., Page],
    mailoutbox: list[EmailMultiAlternatives],
    live_server: Any,
    settings: Any,
) -> dict[str, EmailMultiAlternatives]:
    """What came to the student: one session moved, the other called off, and a message."""
    settings.SITE_URL = live_server.url
    list(send_due())
    mailoutbox.clear()
    first, second = course.sessions.all()
    page = open_page(course.teacher, timezone_id="America/New_York")
    page.goto(f"/teaching/sessions/{first.pk}/edit/")
    # As the teacher's own clock has it: the same hour, two days later.
    fill(page, starts_at="2027-03-29T13:00", reason=CLASH)
    press(page, "Save changes")
    page.goto(f"/teaching/sessions/{second.pk}/cancel/")
    fill(page, reason=FLU, confirmation="refund 1 student")
    press(page, "Cancel session and refund 1 student ($40.00)")
    says(page, "Session 2 has been cancelled.")
    page.goto(f"/teaching/courses/{course.pk}/write/")
    fill(page, text=WRITTEN)
    press(page, "Send to 1 student")
    says(page, "Sent to 1 student.")
    list(send_due())
    mine = [mail for mail in mailoutbox if mail.to == [student.email]]
    return dict(zip(SAYS, mine, strict=True))


# The subject, and what else it says.
SAYS = {
    "moved": (
        "Moved: 1. A lesson, now Mon 29 Mar 2027, 19:00 CEST",
        "If that doesn't suit you, return it for a refund until it starts.",
        "Mon 29 Mar 2027, 19:00–20:00 CEST",
        "Mon 29 Mar 2027, 13:00–14:00 EDT",
        "Sat 27 Mar 2027, 18:00–19:00 CET",
        CLASH,
        "Return it for a refund",
    ),
    "called off": (
        "Cancelled: 2. A lesson, Sun 28 Mar 2027, 19:00 CEST",
        "$40.00 is refunded.",
        "Sun 28 Mar 2027, 19:00–20:00 CEST",
        *FLU.splitlines(),
        "Open My learning",
    ),
    "written": (
        f"Message from Sofía Marín: {LONG}",
        f"Sofía Marín wrote to the students of “{LONG}”.",
        *filter(None, WRITTEN.splitlines()),
        "Open the course",
        "Turn off announcements",
    ),
}
# A mail has no landmarks.
NO_PAGE = {name: {"enabled": False} for name in ("landmark-one-main", "region")}
EVERYWHERE = (LONG, "Sofía Marín", "Times are shown in Europe/Madrid.")


def bare(html: str) -> str:
    """As mail programs show it that take every <style> out."""
    return re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)


def plain(text: str) -> str:
    """Without what keeps a range of hours in one line."""
    return text.replace("\u2060", "")


def test_the_mails(mails: Any, open_page: Callable[..., Page]) -> None:
    for name, mail in mails.items():
        assert mail.subject == SAYS[name][0]
        for words in (*SAYS[name][1:], *EVERYWHERE):
            assert words in plain(mail.body)
    for scheme, screen in product(("light", "dark"), (PHONE, DESKTOP)):
        page = open_page(viewport=screen, color_scheme=scheme, **MADRID)
        for name, mail in mails.items():
            html = str(mail.alternatives[0][0])
            for shown in (html, bare(html)):
                page.set_content(shown)
                seen = plain(page.locator("body").inner_text())
                for words in (*SAYS[name], *EVERYWHERE):
                    assert words in seen
                assert overflowing(page) == []
                assert screen is DESKTOP or inaccessible(page, rules=NO_PAGE) == []


def test_the_bell_my_learning_and_the_calendar(
    mails: Any, course: Course, student: User, open_page: Callable[..., Page], ical_js: Any
) -> None:
    page = open_page(student, viewport=PHONE, **MADRID)
    [enrollment], [first, second] = student.courseenrollments.all(), course.sessions.all()
    bought = f"/learning/courses/{enrollment.pk}/"
    for path in (
        "/",
        f"/courses/{course.pk}/",
        f"{bought}cancel/",
        f"{bought}sessions/{first.pk}/hand-back/",
        f"/credit/receipts/{enrollment.hold.pk}/",
        "/credit/",
        "/notices/",
        "/learning/",
    ):
        page.goto(path)
        assert overflowing(page) == [], path
    expect(page.locator(".bell-count")).to_have_text("4 unread")
    box = page.get_by_role("region", name="Please read")
    for words in (MOVED, CALLED_OFF, CLASH, "$40.00 is refunded."):
        assert words in plain(box.inner_text())
    box.get_by_role("button", name="Got it").first.click()
    expect(page.locator(".bell-count")).to_have_text("3 unread")
    page.wait_for_load_state()
    assert CALLED_OFF not in plain(box.inner_text())
    assert MOVED in plain(box.inner_text())
    click(page, "Notices 3 unread")
    page.wait_for_load_state()
    for words in (MOVED, CALLED_OFF, " ".join(WRITTEN.split()), "You booked the full course"):
        assert words in plain(page.locator("main").inner_text())
    page.goto(f"/courses/{course.pk}/")
    said = page.get_by_role("region", name="From Sofía Marín")
    for words in filter(None, WRITTEN.splitlines()):
        expect(said.get_by_text(words)).to_be_visible()

    feed = {event["uid"]: event for event in ical_js(feed_address(feed_of(student)))["events"]}
    assert feed.keys() == {str(first.pk), str(second.pk)}
    moved, off = feed[str(first.pk)], feed[str(second.pk)]
    assert (moved["status"], off["status"]) == ("CONFIRMED", "CANCELLED")
    clock = "at => new Date(at).toString()"
    assert page.evaluate(clock, moved["start"]).startswith("Mon Mar 29 2027 19:00:00 GMT+0200")
    assert page.evaluate(clock, off["start"]).startswith("Sun Mar 28 2027 19:00:00 GMT+0200")
    for name, event in (("moved", moved), ("called off", off)):
        [brought] = ical_js(source=str(mails[name].alternatives[-1][0]))["events"]
        what = ("uid", "start", "status", "sequence")
        assert [brought[name] for name in what] == [event[name] for name in what]
