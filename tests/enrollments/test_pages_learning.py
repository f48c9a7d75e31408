"""What students see of what they booked, and of the way its money goes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.transactions import operation
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, move_session
from payments.models import HoldPart, PaymentHold
from payments.services.holds import Verdict, lock_pending_parts, settle_parts
from settlement.services.settling import settle_all
from tests.conversations import CONFIGURED, attend, hear
from tests.factories import (
    UserFactory,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db

PAGE = "/learning/"
SHELVES = {"upcoming", "past", "cancelled"}


@pytest.fixture
def student():
    return student_with_credit("5000.00", time_zone="Europe/Madrid")


@pytest.fixture
def browser(client, student):
    client.force_login(student)
    return client


def bookings(browser, show="") -> list:
    return browser.get(PAGE, {"show": show}).context["bookings"]


def shelf_of(browser, booked) -> str:
    """The only shelf that something booked stands on."""
    found = {show for show in SHELVES if booked in [b.bought for b in bookings(browser, show)]}
    assert len(found) == 1
    return found.pop()


def text_of(browser, show="") -> str:
    return " ".join(browser.get(PAGE, {"show": show}).content.decode().split())


def money_of(browser, enrollment) -> str:
    """The page with the timeline of an enrolment, to which its link leads."""
    way = reverse("enrollments:timeline", args=[enrollment.pk])
    assert any(f'href="{way}"' in text_of(browser, show) for show in SHELVES)
    return " ".join(browser.get(way).content.decode().split())


@operation
def settle(session, status, reason) -> None:
    pending = lock_pending_parts(*PaymentHold.objects.filter(parts__session=session))
    due = [part for part in pending if part.session_id == session.pk]
    verdicts = [Verdict(part, status, reason) for part in due]
    settle_parts(verdicts, pending=pending, now=timezone.now(), actor=None)


def first_session(course):
    return course.sessions.order_by("session_number").first()


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


def test_the_door_opens_ten_minutes_before_and_closes_at_the_end(browser, student):
    session = first_session(make_course(sessions=1))
    purchase_session(student=student, session_id=session.pk)
    door = reverse("enrollments:room", args=[session.pk])
    start_session(session, ago=timedelta(minutes=-11))
    assert "Opens 10 minutes before" in text_of(browser)
    assert door not in text_of(browser)
    for minutes in (-9, 59):
        start_session(session, ago=timedelta(minutes=minutes))
        assert door in text_of(browser)
    start_session(session, ago=timedelta(minutes=60))
    assert "Ended" in text_of(browser, "past")
    assert door not in text_of(browser, "past")


def test_a_cancelled_course_still_admits_to_the_session_that_runs(browser, student):
    course = make_course(sessions=2)
    bought = enroll_full_course(student=student, course_id=course.pk)
    start_session(first_session(course))
    cancel_enrollment(student=student, enrollment_id=bought.pk)
    assert reverse("enrollments:room", args=[first_session(course).pk]) in text_of(
        browser, "cancelled"
    )


def test_times_are_the_readers_own_with_the_zone_named(browser, student):
    session = first_session(make_course(sessions=1))
    purchase_session(student=student, session_id=session.pk)
    session.starts_at = session.starts_at.replace(year=2040, month=7, day=2, hour=16, minute=0)
    session.save()
    assert "Mon 2 Jul 2040, 18:00–\u206019:00 CEST" in text_of(browser)


@pytest.mark.parametrize(
    ("no_show", "words"),
    [
        ("refund", "If you miss it, you're refunded."),
        (
            "release",
            "If you miss it, the teacher is still paid, unless its time or length changed "
            "less than 12 hours before it starts: then you're refunded.",
        ),
    ],
)
def test_what_attendance_decides_is_said(browser, student, settings, no_show, words):
    settings.ATTENDANCE_THRESHOLD_PERCENT, settings.NO_SHOW = 35, no_show
    purchase_session(student=student, session_id=first_session(make_course(sessions=1)).pk)
    page = text_of(browser)
    assert "If you attend at least 35% of a session's length as you booked it" in page
    assert words in page


def test_what_can_be_cancelled_says_so(browser, student):
    course = make_course(sessions=2)
    first = first_session(course)
    single = purchase_session(student=student, session_id=first.pk)
    whole = enroll_full_course(student=student, course_id=make_course().pk)
    ways_out = [
        reverse("enrollments:cancel_purchase", args=[single.pk]),
        reverse("enrollments:cancel_enrollment", args=[whole.pk]),
    ]
    assert all(way in text_of(browser) for way in ways_out)
    start_session(first)
    assert ways_out[0] not in text_of(browser)
    cancel_enrollment(student=student, enrollment_id=whole.pk)
    assert ways_out[1] not in text_of(browser, "cancelled")


def test_what_is_over_is_not_offered_to_be_cancelled(browser, student):
    """Cancelling would cost the place, and give nothing back."""
    course = make_course(sessions=2)
    whole = enroll_full_course(student=student, course_id=course.pk)
    way = reverse("enrollments:cancel_enrollment", args=[whole.pk])
    first, last = course.sessions.all()
    end_session(first)
    start_session(last)
    page = f"/courses/{course.pk}/"
    assert way in text_of(browser)
    assert way in browser.get(page).text
    end_session(last)
    assert way not in text_of(browser, "past")
    assert way not in browser.get(page).text
    assert browser.get(page).context["offer"].badge == "You're enrolled"


def test_what_runs_is_not_called_next(browser, student):
    session = first_session(make_course(sessions=1))
    purchase_session(student=student, session_id=session.pk)
    assert ">Next:<" in text_of(browser)
    start_session(session)
    assert ">Now:<" in text_of(browser)
    assert ">Next:<" not in text_of(browser)


def test_what_became_part_of_a_course_was_upgraded(browser, student):
    course = make_course(sessions=3)
    for session in course.sessions.all():
        purchase_session(student=student, session_id=session.pk)
    enroll_full_course(student=student, course_id=course.pk)
    page = browser.get(PAGE, {"show": "past"})
    assert [booking.badge.word for booking in page.context["bookings"]] == ["Upgraded"] * 3
    assert "Became part of your full course" in page.text
    counted = [(name, count) for name, _, count in page.context["shelves"]]
    assert counted == [("upcoming", 1), ("past", 3), ("cancelled", 0)]


def test_a_moved_session_of_a_course_can_be_handed_back_from_here(browser, student):
    course = make_course(sessions=2)
    bought = enroll_full_course(student=student, course_id=course.pk)
    session = first_session(course)
    way = reverse("enrollments:hand_back", args=[bought.pk, session.pk])
    assert way not in text_of(browser)
    move_session(
        session_id=session.pk,
        actor=course.teacher,
        starts_at=session.starts_at + timedelta(hours=3),
        duration_minutes=60,
    )
    assert way in text_of(browser)
    assert "1. A lesson has changed:" in text_of(browser)
    start_session(session)
    assert way not in text_of(browser)


def test_the_way_of_the_money_is_told(browser, student):
    course = make_course(sessions=2, price_full_course="30.00")
    bought = enroll_full_course(student=student, course_id=course.pk)
    first = first_session(course)
    end_session(first)
    settle(first, HoldPart.Status.RELEASED, HoldPart.Reason.ATTENDED)
    assert "Your $30.00: $15.00 held · $15.00 released" in text_of(browser)
    words = money_of(browser, bought)
    assert "Attended · released $15.00" in words
    assert "Upcoming · $15.00 held" in words


def test_the_timeline_of_a_course_is_read_where_it_is_unfolded(browser, student):
    course = make_course(sessions=9)
    bought = enroll_full_course(student=student, course_id=course.pk)
    page = text_of(browser)
    assert page.count("<time") == 1
    assert 'class="timeline' not in page
    assert money_of(browser, bought).count("<time") == 10


def test_a_timeline_is_its_students_alone(browser, client):
    bought = enroll_full_course(student=student_with_credit(), course_id=make_course().pk)
    way = reverse("enrollments:timeline", args=[bought.pk])
    assert browser.get(way).status_code == 404
    client.logout()
    assert client.get(way).headers["Location"] == f"/login/?next={way}"


@override_settings(**CONFIGURED)
def test_attendance_is_told_in_minutes(browser, student):
    course = make_course(sessions=2, price_full_course="30.00")
    bought = enroll_full_course(student=student, course_id=course.pk)
    single = make_course(sessions=1, price_per_session="12.00")
    purchase_session(student=student, session_id=first_session(single).pk)
    missed, attended = course.sessions.order_by("session_number")
    for session, minutes in ((missed, 7.5), (attended, 52.5), (first_session(single), 12.5)):
        end_session(session, ago=timedelta(hours=1))
        room = attend(session, session.course.teacher)
        hear(*room.visit(student, 0, minutes))
    list(settle_all())
    told = money_of(browser, bought)
    assert "Missed (12%) · refunded $15.00" in told
    assert "Attended 52 of 60 min · released $15.00" in told
    words = text_of(browser, "past")
    assert "Attended 12 of 60 min" in words
    assert "Released $12.00" in words
    assert "Completed" in words


def test_what_is_under_review_says_so(browser, student):
    session = first_session(make_course(sessions=1))
    purchase_session(student=student, session_id=session.pk)
    end_session(session)
    HoldPart.objects.update(review_reason="No event of its room")
    words = text_of(browser, "past")
    assert "Under review" in words
    assert "Our staff are checking it" in words
    assert "No event of its room" not in words


def test_many_bookings_come_page_by_page(browser, student):
    course = make_course(sessions=12)
    for session in course.sessions.all():
        purchase_session(student=student, session_id=session.pk)
    pages = [browser.get(PAGE, {"page": page}).context["bookings"] for page in (1, 2)]
    numbers = [b.next_session.session_number for page in pages for b in page]
    assert numbers == list(range(1, 13))


def test_bookings_are_counted_once_and_nobody_is_looked_for_in_rooms(browser, student):
    enroll_full_course(student=student, course_id=make_course().pk)
    browser.get(PAGE)
    with CaptureQueriesContext(connection) as captured:
        browser.get(PAGE)
    said = [query["sql"] for query in captured]
    assert sum("COUNT(" in sql and "payment_holds" in sql for sql in said) == 1
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
