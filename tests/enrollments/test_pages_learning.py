"""What students see of what they booked: on which shelf, in which order, page by page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session
from payments.models import HoldPart
from tests.enrollments.learning_page import (
    PAGE,
    bookings,
    browser,
    first_session,
    money_of,
    settle,
    shelf_of,
    student,
    text_of,
)
from tests.factories import UserFactory, end_session, make_course, student_with_credit

__all__ = ["browser", "student"]

pytestmark = pytest.mark.django_db


def test_a_guest_is_asked_to_log_in_and_comes_back(client):
    assert client.get(PAGE).headers["Location"] == f"/login/?next={PAGE}"


def test_nothing_changes_by_posting(browser):
    assert browser.post(PAGE).status_code == 405


def test_whoever_booked_nothing_is_shown_the_courses(browser):
    assert "Nothing booked yet" in text_of(browser)
    assert "Browse courses" in text_of(browser)


def test_what_others_booked_is_not_mine(browser):
    course = make_course()
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    assert course.title not in text_of(browser)


def test_a_single_session_is_upcoming_until_it_ends(browser, student):
    session = first_session(make_course(sessions=1))
    bought = purchase_session(student=student, session_id=session.pk)
    assert shelf_of(browser, bought) == "upcoming"
    end_session(session, ago=timedelta(minutes=-1))
    assert shelf_of(browser, bought) == "upcoming"
    end_session(session, ago=timedelta(seconds=1))
    assert shelf_of(browser, bought) == "past"


def test_a_course_is_upcoming_while_one_of_its_sessions_is(browser, student):
    course = make_course(sessions=2)
    bought = enroll_full_course(student=student, course_id=course.pk)
    first, last = course.sessions.order_by("session_number")
    end_session(first)
    assert shelf_of(browser, bought) == "upcoming"
    end_session(last)
    assert shelf_of(browser, bought) == "past"


def test_what_is_cancelled_by_whomever_stands_apart(browser, student):
    course = make_course(sessions=3)
    one, two, _ = course.sessions.order_by("session_number")
    mine = purchase_session(student=student, session_id=one.pk)
    cancel_session_purchase(student=student, purchase_id=mine.pk)
    theirs = purchase_session(student=student, session_id=two.pk)
    cancel_session(session_id=two.pk, actor=course.teacher)
    whole = enroll_full_course(student=student, course_id=course.pk)
    cancel_enrollment(student=student, enrollment_id=whole.pk)
    assert {shelf_of(browser, one) for one in (mine, theirs, whole)} == {"cancelled"}
    words = text_of(browser, "cancelled")
    assert "Cancelled by you" in words
    assert "Cancelled by the teacher" in words


def test_a_course_of_which_all_that_was_left_is_called_off_is_past(browser, student):
    course = make_course(sessions=2)
    bought = enroll_full_course(student=student, course_id=course.pk)
    first, second = course.sessions.all()
    end_session(first)
    settle(first, HoldPart.Status.RELEASED, HoldPart.Reason.ATTENDED)
    cancel_session(session_id=second.pk, actor=course.teacher)
    assert shelf_of(browser, bought) == "past"


def test_a_course_that_is_called_off_altogether_is_cancelled(browser, student):
    course = make_course(sessions=1)
    bought = enroll_full_course(student=student, course_id=course.pk)
    cancel_session(session_id=first_session(course).pk, actor=course.teacher)
    assert shelf_of(browser, bought) == "cancelled"
    assert course.title in text_of(browser, "cancelled")


def test_a_course_of_which_the_rest_is_handed_back_is_past(browser, student):
    course = make_course(sessions=1)
    bought = enroll_full_course(student=student, course_id=course.pk)
    settle(first_session(course), HoldPart.Status.REFUNDED, HoldPart.Reason.SESSION_MOVED)
    assert shelf_of(browser, bought) == "past"


def test_a_session_called_off_is_past_before_its_refund_comes(browser, student):
    course = make_course(sessions=1)
    bought = enroll_full_course(student=student, course_id=course.pk)
    course.sessions.update(status="cancelled")
    assert shelf_of(browser, bought) == "past"
    assert "the refund is on its way" in money_of(browser, bought)


def test_the_tabs_count_and_say_where_one_is(browser, student):
    course = make_course(sessions=3)
    for session in course.sessions.all():
        purchase_session(student=student, session_id=session.pk)
    end_session(first_session(course))
    answer = browser.get(PAGE, {"show": "past"})
    counted = [(name, count) for name, _, count in answer.context["shelves"]]
    assert counted == [("upcoming", 2), ("past", 1), ("cancelled", 0)]
    assert answer.content.count(b'href="?show=past" aria-current="page"') == 1


@pytest.mark.parametrize("show", ["", "nonsense"])
def test_any_other_tab_is_what_is_to_come(browser, show):
    assert browser.get(PAGE, {"show": show}).context["shelf"] == "upcoming"


def test_what_comes_next_stands_first(browser, student):
    later, sooner = make_course(starts_in=timedelta(days=5)), make_course(title="Sooner")
    for course in (later, sooner):
        enroll_full_course(student=student, course_id=course.pk)
    end_session(first_session(sooner))
    found = bookings(browser)
    assert [booking.course for booking in found] == [sooner, later]
    assert found[0].next_session.session_number == 2


def test_many_bookings_come_page_by_page(browser, student):
    course = make_course(sessions=12)
    for session in course.sessions.all():
        purchase_session(student=student, session_id=session.pk)
    pages = [browser.get(PAGE, {"page": page}).context["bookings"] for page in (1, 2)]
    numbers = [b.next_session.session_number for page in pages for b in page]
    assert numbers == list(range(1, 13))


def test_bookings_are_gone_through_once_and_nobody_is_looked_for_in_rooms(browser, student):
    enroll_full_course(student=student, course_id=make_course().pk)
    browser.get(PAGE)
    with CaptureQueriesContext(connection) as captured:
        browser.get(PAGE)
    said = [query["sql"] for query in captured]
    assert sum("MIN(" in sql and "payment_holds" in sql for sql in said) == 1
    assert not any("attendances" in sql for sql in said)


def test_no_number_of_bookings_costs_more_statements(browser, student):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(PAGE).status_code == 200
        return len(captured)

    def book(course):
        whole, singles = course(), course()
        enroll_full_course(student=student, course_id=whole.pk)
        for session in singles.sessions.all():
            purchase_session(student=student, session_id=session.pk)

    book(lambda: make_course(sessions=1))
    few = cost()
    book(lambda: make_course(sessions=4))
    assert len(bookings(browser)) == 7
    assert cost() == few <= 10


def test_somebody_new_sees_no_tabs(browser):
    browser.force_login(UserFactory())
    assert 'aria-label="Bookings"' not in text_of(browser)
