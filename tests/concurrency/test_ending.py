"""An enrolment ends with its last paid part while others buy: the race, and its twin."""

import pytest
from django.utils import timezone

from enrollments.access import admitted
from enrollments.services import lifecycle
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.lifecycle import end_enrollment
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import refund_cancelled_session
from tests.concurrency.racing import kinds, race
from tests.factories import DAY, break_calling_off, extend_course, make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def session():
    """Of two seats, both taken: one by somebody who pays for it, one for nothing by now."""
    course = make_course(sessions=1, max_students=2)
    enroll_full_course(student=student_with_credit("100.00"), course_id=course.pk)
    added = extend_course(course, starts_at=timezone.now() + 9 * DAY)
    enroll_full_course(student=student_with_credit("100.00"), course_id=course.pk)
    session = course.sessions.first()
    break_calling_off(session)
    refund_cancelled_session(session, actor=None)
    return added


@pytest.fixture
def enrollment(session):
    """The one to which everything came back, and which has not ended yet."""
    return session.course.courseenrollments.live().refunded().get()


def end(enrollment):
    return lambda: end_enrollment(enrollment.pk)


def buy(student, session):
    return lambda: purchase_session(student=student, session_id=session.pk)


def buy_again(enrollment):
    return lambda: enroll_full_course(student=enrollment.user, course_id=enrollment.course_id)


def test_its_seat_goes_to_one_other(session, enrollment, retried, broken):
    rivals = [student_with_credit("16.00") for _ in range(4)]
    everybody = [rival.pk for rival in rivals] + [enrollment.user_id]
    outcomes = race(
        *[end(enrollment)] * 4, *(buy(rival, session) for rival in rivals), buy_again(enrollment)
    )
    assert outcomes.count(True) == 1
    assert outcomes.count(False) == 3
    sold = kinds(outcomes)
    assert sold["SessionPurchase"] + sold["CourseEnrollment"] <= 1
    assert sold["SoldOut"] + sold["AlreadyEnrolled"] >= 4
    assert len(admitted(session, everybody)) <= 1
    assert retried == []
    assert broken() == {}


def test_without_the_lock_it_is_given_back_twice(
    session, enrollment, without_locks, meeting, broken
):
    """The race is real: both find the enrolment live, and two buyers the seats of one."""
    meeting().after(lifecycle, "lock_pending_parts")
    assert race(*[end(enrollment)] * 2) == [True, True]
    rivals = [student_with_credit("16.00") for _ in range(2)]
    outcomes = race(*(buy(rival, session) for rival in rivals))
    assert kinds(outcomes) == {"SessionPurchase": 2}
    assert {"I7", "I15"} <= broken().keys()
