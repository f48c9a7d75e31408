"""What is said of each booking: its times, what may be done with it, and the way of its money."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.urls import reverse

from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import move_session
from payments.models import HoldPart
from settlement.services.settling import settle_all
from tests.conversations import CONFIGURED, attend, hear
from tests.enrollments.learning_page import (
    PAGE,
    browser,
    first_session,
    money_of,
    settle,
    student,
    text_of,
)
from tests.factories import end_session, make_course, start_session, student_with_credit

__all__ = ["browser", "student"]

pytestmark = pytest.mark.django_db


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
