"""What teachers do, in a real browser; with scripts and without them."""

import re
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from courses.models import Course, CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.wallets import balances_of
from tests.browser.doing import click, fill, press, press_twice, says
from tests.browser.watch import inaccessible, overflowing
from tests.factories import DAY, TeacherFactory, make_course, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def teacher():
    return TeacherFactory()


@pytest.fixture
def page(open_window, teacher):
    return open_window(teacher)


def test_drafts_a_course_adds_sessions_and_publishes_it(page, open_page):
    page.goto("/teaching/")
    click(page, "Create your first course")
    fill(page, title="Chess clinic", language="English", category="Games", price_full_course="30")
    press(page, "Save draft")
    says(page, "Your draft is saved.")
    click(page, "Add a single session")
    add_session(page, "Rook endings", days=3)
    says(page, "Session 1 has been added.")
    click(page, "Add a session")
    add_session(page, "Minor pieces", days=5)
    click(page, "Preview")
    says(page, "Draft", "Rook endings", "Minor pieces")
    page.go_back()
    press(page, "Publish course")
    says(page, "is published. Students can buy it now.")
    guest = open_page()
    guest.goto("/")
    click(guest, "Chess clinic")
    says(guest, "Rook endings", "$30.00")


def add_session(page, title, *, days):
    start = timezone.now() + days * DAY
    fill(page, title=title, starts_at=f"{start:%Y-%m-%dT%H:%M}", duration_minutes="45")
    press(page, "Add session")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scripts", [True, False])
def test_publishes_a_weekly_course_of_ten_sessions_in_twelve_steps(
    open_page, teacher, width, scripts
):
    """A step is one field filled or one click, from Teaching on."""
    size = {"width": width, "height": 800}
    page = open_page(teacher, viewport=size, java_script_enabled=scripts)
    page.goto("/teaching/")
    first = timezone.localdate() + 7 * DAY
    course = {"title": "Chess", "language": "English", "category": "Games"}
    rule = {"first": f"{first}", f"day_{first.weekday()}": "18:00", "count": "10"}
    steps = [
        (click, "Create your first course"),
        *((type_into, field) for field in (course | {"price_full_course": "80"}).items()),
        (press, "Save draft"),
        *((type_into, field) for field in rule.items()),
        (press, "Preview sessions"),
        (press, "Add and publish"),
    ]
    for do, what in steps:
        do(page, what)
        if what == "Preview sessions":
            says(page, "10 sessions to add")
            assert not (scripts and (overflowing(page) or inaccessible(page)))
    says(page, "is published. Students can buy it now.")
    published = Course.objects.get(status="published")
    assert published.sessions.count() == 10
    assert len(steps) <= 12


def type_into(page, field):
    name, text = field
    fill(page, **{name: text})


def test_clicks_twice_and_drafts_one_course(page, slow_server):
    page.goto("/teaching/courses/new/")
    fill(page, title="Chess clinic", language="English", category="Games", price_full_course="30")
    press_twice(page, "Save draft", slow_server)
    expect(page.get_by_role("heading", name="Plan sessions", level=1)).to_be_visible()
    page.goto("/teaching/")
    expect(page.get_by_role("heading", name="Chess clinic")).to_have_count(1)
    assert Course.objects.count() == 1


def test_calls_a_session_off_after_typing_what_it_costs(page, teacher):
    course = make_course(teacher=teacher, max_students=5)
    session = course.sessions.first()
    enrolled, single = student_with_credit("100.00"), student_with_credit("16.00")
    enroll_full_course(student=enrolled, course_id=course.pk)
    purchase_session(student=single, session_id=session.pk)
    page.goto(f"/teaching/sessions/{session.pk}/")
    says(page, enrolled.display_name, single.display_name)
    click(page, "Cancel session")
    deed = page.get_by_role("button", name="Cancel session and refund 2 students ($30.28)")
    deed.click()
    says(page, "This field is required.")
    fill(page, reason="I have the flu", confirmation="refund 3 students")
    deed.click()
    says(page, "Type exactly: refund 2 students")
    assert not CourseSession.objects.filter(status="cancelled").exists()
    fill(page, confirmation="refund 2 students")
    deed.click()
    says(page, "Session 1 has been cancelled. 2 students got $30.28 back.")
    assert (balances_of(enrolled)[0], balances_of(single)[0]) == (Decimal("14.28"), 16)


def test_moves_a_session_and_students_see_it_moved(page, open_page, teacher):
    course = make_course(teacher=teacher)
    session, student = course.sessions.first(), student_with_credit("100.00")
    enroll_full_course(student=student, course_id=course.pk)
    page.goto(f"/teaching/sessions/{session.pk}/edit/")
    later = f"{timezone.now() + 9 * DAY:%Y-%m-%dT%H:%M}"
    fill(page, starts_at=later, reason="I have the flu")
    press(page, "Save changes")
    expect(page).to_have_url(re.compile(f"/teaching/sessions/{session.pk}/$"))
    says(page, "Changed")
    window = open_page(student)
    window.goto("/learning/")
    says(window, "has changed")


def test_archives_a_course(page, teacher):
    course = make_course(teacher=teacher)
    page.goto(f"/teaching/courses/{course.pk}/")
    click(page, "Archive")
    page.get_by_role("button", name="Archive").click()
    says(page, "is archived.")
    course.refresh_from_db()
    assert course.status == "archived"


def test_another_ones_course_is_not_there(page):
    page.goto(f"/teaching/courses/{make_course().pk}/")
    says(page, "There's nothing here")
