"""What is held, released, withdrawn and paid; by session, and by referrals."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments import earnings
from payments.models import HoldPart
from tests.factories import (
    TeacherFactory,
    UserFactory,
    earn,
    end_session,
    make_course,
    release_hold,
    student_with_credit,
    withdraw,
)

pytestmark = pytest.mark.django_db


def figures(user):
    return earnings.figures_of(user, earnings.forecast_of(user))


def rows(user):
    forecast = earnings.forecast_of(user)
    return [earnings.earnings_of(session, forecast) for session in earnings.sessions_of(user)]


def test_somebody_new_has_earned_nothing():
    user = UserFactory()
    found = figures(user)
    assert {found.held, found.released, found.available, found.withdrawing, found.paid} == {0}
    assert rows(user) == []


def test_what_students_booked_is_held_less_commission():
    course = make_course(sessions=7, price_full_course="100.00")
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    found = rows(course.teacher)
    # Latest first. Each release rounds on the sum: of 14.28 go 9.99, of 100.00 go 70.00.
    nets = ["10.01", *["10.00"] * 5, "9.99"]
    assert [row.net for row in found] == list(map(Decimal, nets))
    assert sum(row.gross for row in found) == 100
    assert figures(course.teacher).held == sum(row.net for row in found) == 70


def test_what_is_expected_is_what_is_paid():
    course = make_course(sessions=7, price_full_course="99.99")
    bought = enroll_full_course(student=student_with_credit(), course_id=course.pk)
    expected = figures(course.teacher).held
    release_hold(bought.hold)
    found = figures(course.teacher)
    assert (found.held, found.released, found.available) == (0, expected, expected)


def test_cancelling_lowers_what_is_held():
    course, student = make_course(), student_with_credit()
    bought = enroll_full_course(student=student, course_id=course.pk)
    cancel_enrollment(student=student, enrollment_id=bought.pk)
    assert figures(course.teacher).held == 0
    assert rows(course.teacher) == []


def test_out_of_the_four_figures_nothing_is_lost():
    teacher = TeacherFactory()
    earn(teacher, "100.00")
    withdraw(teacher, "40.00")
    withdraw(teacher, "20.00", status="completed")
    withdraw(teacher, "15.00", status="rejected")
    withdraw(teacher, "12.00", status="cancelled")
    withdraw(teacher, "10.00", status="approved")
    found = figures(teacher)
    assert (found.available, found.withdrawing, found.paid) == (30, 50, 20)
    assert found.released == 100
    assert earnings.available_to(teacher) == 30


def test_a_session_to_come_says_when_it_will_be_paid(settings):
    settings.SETTLEMENT_GRACE_MINUTES = 45
    course = make_course(sessions=1, price_full_course="20.00", price_per_session="30.00")
    session = course.sessions.get()
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    purchase_session(student=student_with_credit(), session_id=session.pk)
    [row] = rows(course.teacher)
    assert (row.session.students, row.session.attended) == (2, 0)
    assert (row.gross, row.commission, row.net) == (50, 15, 35)
    assert row.status == "held"
    assert row.payable_at == session.ends_at + timedelta(minutes=45)
    assert row.session.paid_at is None


def test_a_session_that_was_paid_says_when():
    teacher = TeacherFactory()
    earn(teacher, "100.00")
    [row] = rows(teacher)
    assert (row.session.students, row.session.attended) == (1, 1)
    assert (row.gross, row.commission, row.net) == (100, 0, 100)
    assert (row.status, row.payable_at) == ("released", None)
    assert row.session.paid_at <= timezone.now()


def test_under_review_nobody_knows_when():
    course = make_course(sessions=1)
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    end_session(course.sessions.get())
    HoldPart.objects.update(review_reason="No report of this room at all")
    [row] = rows(course.teacher)
    assert (row.status, row.payable_at) == ("under_review", None)


def test_sessions_come_latest_first_and_each_once():
    course = make_course(sessions=3)
    for _ in range(2):
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
    numbers = [row.session.session_number for row in rows(course.teacher)]
    assert numbers == [3, 2, 1]


class TestReferrals:
    @pytest.fixture
    def referrer(self):
        return UserFactory()

    def book(self, referrer, **course):
        student = student_with_credit(referral_code=referrer.referral_code)
        course = make_course(sessions=2, price_full_course="100.00", **course)
        return enroll_full_course(student=student, course_id=course.pk)

    def test_of_the_commission_a_share_is_held(self, referrer):
        bought = self.book(referrer)
        found = figures(referrer)
        assert (found.held, found.held_referrals, found.released) == (21, 21, 0)
        assert figures(bought.course.teacher).held == 70

    def test_released_it_can_be_withdrawn(self, referrer):
        release_hold(self.book(referrer).hold)
        found = figures(referrer)
        assert (found.held, found.available, found.released_referrals) == (0, 21, 21)
        withdraw(referrer, "21.00")

    def test_it_does_not_say_what_the_student_booked(self, referrer):
        self.book(referrer)
        assert rows(referrer) == []

    def test_who_brought_the_student_gets_both_shares(self, referrer):
        self.book(referrer, teacher=referrer)
        found = figures(referrer)
        assert (found.held, found.held_referrals) == (91, 21)
        assert sum(row.net for row in rows(referrer)) == 70
