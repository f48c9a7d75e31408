"""What lists show of a course's sessions without reading them is what its own page shows."""

from datetime import timedelta
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from courses.models import Course, CourseOutline, CourseSession
from enrollments import queries, quotes
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import (
    cancel_session,
    change_session,
    delete_session,
    move_session,
)
from enrollments.shop.catalogue import cards, read_courses
from enrollments.shop.course import course_for
from tests.factories import (
    DAY,
    end_session,
    extend_course,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    """Of four sessions, the second bought singly."""
    made = make_course(sessions=4, price_full_course="100.00", max_students=5)
    purchase_session(student=student_with_credit(), session_id=nth(made, 2).pk)
    return made


def nth(course: Course, number: int) -> CourseSession:
    return course.sessions.get(session_number=number)


def listed(course: Course) -> dict:
    """What the catalogue shows, and how often it read sessions for it."""
    with CaptureQueriesContext(connection) as asked:
        [card] = cards(read_courses([course.pk]), None)
    # Two statements: the courses, and the singles of those with seats to count.
    return shown(card.listed, card.quote) | {"read": len(asked) - 2}


def shown(course, quote) -> dict:
    return {
        "count": course.sessions_count,
        "next": course.next_session_starts_at,
        "seats": course.seats_left,
        "price": quote.price,
        "to_come": len(quote.shares),
        "of": quote.sessions_count,
    }


def on_its_page(course: Course) -> dict:
    page = course_for(None, course.pk)
    return shown(page, page.quote)


def add(course):
    extend_course(course, starts_at=timezone.now() + timedelta(hours=1))


def move(course):
    session = nth(course, 1)
    starts_at = timezone.now() + 40 * DAY
    move_session(
        session_id=session.pk, actor=course.teacher, starts_at=starts_at, duration_minutes=30
    )


def rename(course):
    change_session(session_id=nth(course, 3).pk, actor=course.teacher, title="Another")


def call_off_unpaid(course):
    cancel_session(session_id=nth(course, 1).pk, actor=course.teacher)


def call_off_paid(course):
    cancel_session(session_id=nth(course, 2).pk, actor=course.teacher)


def delete(course):
    delete_session(session_id=nth(course, 3).pk, actor=course.teacher)


def sell(course):
    for number in (2, 2, 4):
        purchase_session(student=student_with_credit(), session_id=nth(course, number).pk)


def take_back(course):
    student = student_with_credit()
    bought = purchase_session(student=student, session_id=nth(course, 2).pk)
    cancel_session_purchase(student=student, purchase_id=bought.pk)


def enrol(course):
    """A new student, and the one who has a single of it: nobody fills two seats."""
    single = Course.objects.get(pk=course.pk).sessionpurchases.get()
    for student in (student_with_credit(), single.user):
        enroll_full_course(student=student, course_id=course.pk)


def fill(course):
    for _ in range(5):
        enroll_full_course(student=student_with_credit(), course_id=course.pk)


def open_early(course):
    """The room of the next session opens some minutes before it."""
    CourseSession.objects.filter(pk=nth(course, 1).pk).update(status="live")


CHANGES = (
    add, move, rename, call_off_unpaid, call_off_paid, delete, sell, take_back, enrol, open_early,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_list_shows_what_the_course_page_does_and_reads_no_session(course, change):
    change(course)
    assert listed(course) == on_its_page(course) | {"read": 0}


def test_a_course_of_which_all_was_called_off_has_nothing_to_come(course):
    for session in course.sessions.all():
        cancel_session(session_id=session.pk, actor=course.teacher)
    assert listed(course) == on_its_page(course) | {"read": 0}
    assert listed(course)["to_come"] == 0
    assert listed(course)["count"] == 4


def test_a_card_says_that_a_session_is_running(course):
    def running() -> list[bool]:
        return [
            card.running
            for card in cards(
                read_courses(Course.objects.listed().values_list("pk", flat=True)), None
            )
        ]

    assert running() == [False]
    start_session(nth(course, 1))
    assert running() == [True]
    end_session(nth(course, 1))
    assert running() == [False]


def test_time_does_not_age_an_outline(course):
    """Whichever has begun, in whatever order: the outline knows when each starts."""
    move(course)
    call_off_paid(course)
    [card] = cards(read_courses(Course.objects.listed().values_list("pk", flat=True)), None)
    sessions = queries.sessions_seen(course.pk)
    for days in (0, 2, 3, 5, 50):
        now = timezone.now() + days * DAY
        there = quotes.quote_course(course, sessions, None, now)
        here = quotes.quote_outlined(course, card.listed.outline, card.listed.seats_left, now)
        assert (here.price, len(here.shares)) == (there.price, len(there.shares))


def test_what_was_changed_by_hand_is_found_by_the_audit_and_mended(course, broken):
    CourseSession.objects.filter(pk=nth(course, 1).pk).update(
        starts_at=timezone.now() - DAY, status="completed"
    )
    assert listed(course) != on_its_page(course) | {"read": 0}
    assert "I21" in broken()
    call_command("roll_next_starts", "--all", stdout=StringIO())
    assert listed(course) == on_its_page(course) | {"read": 0}
    assert broken() == {}


def test_a_course_that_was_never_outlined_is_read(course):
    CourseOutline.objects.all().delete()
    assert listed(course) == on_its_page(course) | {"read": 1}


def test_courses_of_before_are_outlined(course):
    call_off_unpaid(course)
    make_course(sessions=0, published=False)
    before = list(CourseOutline.objects.values())
    CourseOutline.objects.all().delete()

    import_module("courses.migrations.0009_outline_courses").outline(apps, None)

    assert list(CourseOutline.objects.values()) == before
    assert listed(course)["read"] == 0
