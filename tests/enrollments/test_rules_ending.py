"""An enrolment ends with its last paid part: nobody keeps a seat for nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from courses.models import Course
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import (
    cancel_enrollment,
    enroll_full_course,
    hand_back_session,
)
from enrollments.services.lifecycle import end_enrollment
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import (
    cancel_session,
    move_session,
    refund_cancelled_session,
)
from payments import audit
from payments.models import HoldPart, Transfer
from payments.wallets import balances_of
from settlement.services.deciding import refund_hold, release_hold
from settlement.services.settling import Tally, settle_all
from tests.conversations import attend
from tests.factories import (
    DAY,
    StaffFactory,
    access_to,
    break_calling_off,
    end_session,
    extend_course,
    make_course,
    start_session,
    student_with_credit,
)
from tests.telling import mailed, told, was_told, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured", "books_are_clean")]
HOUR = timedelta(hours=1)


@pytest.fixture
def course() -> Course:
    return make_course(sessions=2, max_students=1)


@pytest.fixture
def student(db):
    return student_with_credit("100.00")


@pytest.fixture
def enrollment(student, course) -> CourseEnrollment:
    return enroll_full_course(student=student, course_id=course.pk)


@pytest.fixture
def sessions(course, enrollment):
    return list(course.sessions.all())


def add(course):
    return extend_course(course, starts_at=timezone.now() + 30 * DAY)


def call_off(session):
    cancel_session(session_id=session.pk, actor=session.course.teacher)


def part_of(enrollment, session) -> HoldPart:
    return HoldPart.objects.get(hold__enrollment=enrollment, session=session)


def refund(enrollment, *sessions):
    parts = [part_of(enrollment, session).pk for session in sessions]
    hold = enrollment.hold.pk
    refund_hold(hold_id=hold, actor=StaffFactory(), reason="A complaint", part_ids=parts)


def miss(session):
    """Over, with its teacher alone."""
    end_session(session, ago=HOUR)
    attend(session, session.course.teacher)


def settle() -> Tally:
    return sum(settle_all(), Tally())


def seats(course) -> int:
    return Course.objects.get(pk=course.pk).current_students


def access(user, session) -> str:
    return str(access_to(session, user).reason)


def assert_ended(enrollment, *, paid: str = "100.00"):
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.payment_status) == ("cancelled", "refunded")
    assert enrollment.cancelled_at
    assert enrollment.refund_amount == Decimal(paid)
    assert not HoldPart.objects.filter(hold__enrollment=enrollment, status="pending").exists()
    assert seats(enrollment.course) == 0
    assert words_of(told(enrollment.user, "enrollment_ended")) == (
        "Your enrolment in “Spanish to go” has ended, because everything that you paid for it was "
        f"refunded: ${paid}."
    )


class TestCalledOff:
    def test_with_its_last_session(self, student, course, enrollment, sessions):
        call_off(sessions[0])
        enrollment.refresh_from_db()
        assert (enrollment.status, seats(course)) == ("active", 1)
        call_off(sessions[1])
        assert_ended(enrollment)
        assert balances_of(student) == (100, 0)

    def test_what_is_added_then_is_for_who_pays(self, student, course, enrollment, sessions):
        for session in sessions:
            call_off(session)
        added, other = add(course), student_with_credit()
        assert access(student, added) == "not_purchased"
        purchase_session(student=other, session_id=added.pk)
        assert access(other, added) == "purchased"

    def test_what_was_added_before_goes_with_it(self, student, course, enrollment, sessions):
        added = add(course)
        assert access(student, added) == "enrolled"
        moved = Transfer.objects.count()
        for session in sessions:
            call_off(session)
        assert_ended(enrollment)
        part = part_of(enrollment, added)
        assert (part.status, part.reason, part.amount) == ("refunded", "enrollment_ended", 0)
        assert Transfer.objects.count() == moved + 2
        assert access(student, added) == "cancelled"
        again = enroll_full_course(student=student, course_id=course.pk)
        assert (again.status, seats(course)) == ("active", 1)

    def test_also_from_a_free_session_that_runs(self, student, course, enrollment, sessions):
        added = add(course)
        start_session(added)
        for session in sessions:
            call_off(session)
        assert access(student, added) == "cancelled"

    def test_a_repeat_ends_what_a_crash_left(self, course, enrollment, sessions):
        call_off(sessions[0])
        break_calling_off(sessions[1])
        sessions[1].refresh_from_db()
        refund_cancelled_session(sessions[1], actor=None)
        enrollment.refresh_from_db()
        assert enrollment.status == "active"
        call_off(sessions[1])
        assert_ended(enrollment)

    def test_not_beside_one_that_was_paid_out(self, student, course, enrollment, sessions):
        end_session(sessions[0], ago=HOUR)
        attend(sessions[0], student, course.teacher)
        settle()
        call_off(sessions[1])
        enrollment.refresh_from_db()
        assert (enrollment.status, seats(course)) == ("completed", 1)
        added = add(course)
        enrollment.refresh_from_db()
        assert (enrollment.status, access(student, added)) == ("active", "enrolled")


class TestDecidedByStaff:
    @pytest.mark.parametrize("first", [0, 1])
    def test_whatever_the_order(self, student, enrollment, sessions, first):
        """One part of a session that runs, one of a session to come."""
        start_session(sessions[0])
        refund(enrollment, sessions[first])
        enrollment.refresh_from_db()
        assert (enrollment.status, seats(enrollment.course)) == ("active", 1)
        refund(enrollment, sessions[1 - first])
        assert_ended(enrollment)
        assert {access(student, session) for session in sessions} == {"cancelled"}

    def test_with_what_was_free(self, student, course, enrollment, sessions):
        added = add(course)
        refund(enrollment, *sessions)
        assert_ended(enrollment)
        assert part_of(enrollment, added).reason == "enrollment_ended"

    def test_once_all_is_over(self, student, enrollment, sessions):
        for session in sessions:
            end_session(session)
        refund(enrollment, *sessions)
        assert_ended(enrollment)
        assert {access(student, session) for session in sessions} == {"enrolled"}

    def test_not_beside_a_part_that_was_paid_out(self, enrollment, sessions):
        end_session(sessions[0])
        keys = [part_of(enrollment, sessions[0]).pk]
        hold = enrollment.hold.pk
        release_hold(hold_id=hold, actor=StaffFactory(), reason="It was", part_ids=keys)
        refund(enrollment, sessions[1])
        enrollment.refresh_from_db()
        assert (enrollment.status, enrollment.payment_status) == ("completed", "paid")
        assert seats(enrollment.course) == 1


class TestHandedBack:
    def hand_back(self, enrollment, session):
        move_session(
            session_id=session.pk,
            actor=session.course.teacher,
            starts_at=session.starts_at + 9 * DAY,
            duration_minutes=60,
        )
        return hand_back_session(
            student=enrollment.user, enrollment_id=enrollment.pk, session_id=session.pk
        )

    def test_with_the_last_one(self, course, enrollment, sessions):
        added = add(course)
        assert self.hand_back(enrollment, sessions[0]).booking.status == "active"
        done = self.hand_back(enrollment, sessions[1])
        assert (done.booking.status, done.refund_amount) == ("cancelled", 50)
        assert_ended(enrollment)
        assert access(enrollment.user, added) == "cancelled"

    def test_a_free_one_is_not_the_last(self, course, enrollment):
        self.hand_back(enrollment, add(course))
        enrollment.refresh_from_db()
        assert (enrollment.status, seats(course)) == ("active", 1)


class TestSettled:
    def test_with_the_last_one_missed(self, student, course, enrollment, sessions):
        added = add(course)
        miss(sessions[0])
        assert settle().ended == 0
        miss(sessions[1])
        done = settle()
        assert (done.refunded, done.ended, done.completed) == (1, 1, 1)
        assert_ended(enrollment)
        assert access(student, sessions[1]) == "enrolled"
        assert access(student, added) == "cancelled"
        assert settle() == Tally()

    def test_not_while_a_part_is_with_staff(self, course, enrollment, sessions):
        miss(sessions[0])
        end_session(sessions[1], ago=HOUR)
        done = settle()
        assert (done.refunded, done.reviewed, done.ended) == (1, 1, 0)
        enrollment.refresh_from_db()
        assert (enrollment.status, seats(course)) == ("active", 1)

    @pytest.mark.parametrize("status", ["active", "completed"])
    def test_the_next_pass_ends_what_was_left(self, student, enrollment, sessions, status):
        """By a crash, or from before this was the rule; nobody gets in free meanwhile."""
        for session in sessions:
            miss(session)
        settle()
        rows = CourseEnrollment.objects.filter(pk=enrollment.pk)
        rows.update(status=status, cancelled_at=None)
        Course.objects.filter(pk=enrollment.course_id).update(current_students=1)
        [notice] = [one for finding in audit.run() for one in finding.notices]
        assert (notice.id, "the next pass ends it" in notice.problem) == (str(enrollment.pk), True)
        added = add(enrollment.course)
        assert access(student, added) == "not_purchased"
        assert settle() == Tally(ended=1)
        assert_ended(enrollment)

    def test_ending_again_changes_nothing(self, enrollment, sessions):
        for session in sessions:
            call_off(session)
        enrollment.refresh_from_db()
        before = vars(enrollment) | {"_state": None}
        assert end_enrollment(enrollment.pk) is False
        enrollment.refresh_from_db()
        assert vars(enrollment) | {"_state": None} == before
        assert seats(enrollment.course) == 0


def test_its_student_is_told_by_mail_and_once(student, enrollment, sessions):
    refund(enrollment, *sessions)
    assert end_enrollment(enrollment.pk) is False
    notice = told(student, "enrollment_ended")
    assert mailed(notice) == [
        "Your enrolment has ended: Spanish to go",
        "Your enrolment in “Spanish to go” has ended, because everything that you paid for it was "
        "refunded: $100.00.",
        "Course: Spanish to go",
        "Refunded: $100.00",
        "See your credit:",
        "/credit/",
    ]
    assert notice.course_id == enrollment.course_id


def test_who_cancels_is_not_told_that_it_ended(student, enrollment):
    cancel_enrollment(student=student, enrollment_id=enrollment.pk)
    assert was_told(student, "enrollment_ended") == 0


def test_what_is_paid_for_is_not_ended(student, enrollment, sessions):
    assert end_enrollment(enrollment.pk) is False
    assert was_told(student, "enrollment_ended") == 0
    enrollment.refresh_from_db()
    assert (enrollment.status, seats(enrollment.course)) == ("active", 1)


def test_a_cancelled_one_keeps_what_runs_until_it_is_settled(student, enrollment, sessions):
    """Free of charge or not: it was there when the session began."""
    added = add(enrollment.course)
    start_session(added)
    cancel_enrollment(student=student, enrollment_id=enrollment.pk)
    assert end_enrollment(enrollment.pk) is False
    assert access(student, added) == "enrolled"
    end_session(added, ago=HOUR)
    attend(added, student, added.course.teacher)
    settle()
    assert part_of(enrollment, added).status == "released"
