"""After each session of a course its part goes where attendance says."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.sessions import cancel_session
from payments.models import HoldPart, Transfer
from payments.wallets import balances_of
from settlement.services import settling
from settlement.services.settling import Tally
from tests.balances import balance
from tests.factories import (
    end_session,
    extend_course,
    make_course,
    start_session,
    student_with_credit,
)
from tests.settlement.taking_place import (
    HOUR,
    course,
    enrollment,
    fresh,
    settle,
    student,
    take_place,
    teacher,
)

__all__ = ["course", "enrollment", "student", "teacher"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured", "books_are_clean")]


class TestEnrollment:
    def test_session_by_session(self, student, teacher, course, enrollment):
        sessions = list(course.sessions.all())
        for session in sessions[:4]:
            take_place(session, student, teacher)
        take_place(sessions[4], teacher)
        settle()
        half_way = fresh(enrollment)
        assert (half_way.status, half_way.completion_percentage) == ("active", Decimal("57.14"))
        assert half_way.refund_amount == Decimal("14.28")
        for session in sessions[5:]:
            take_place(session, student, teacher)
        settle()
        done, hold = fresh(enrollment), fresh(enrollment.hold)
        assert (done.status, done.completion_percentage) == ("completed", Decimal("85.71"))
        assert done.payment_status == "paid"
        assert (hold.status, hold.release_percentage) == ("released", Decimal("85.72"))
        assert (hold.released_amount, hold.refunded_amount) == (
            Decimal("85.72"),
            Decimal("14.28"),
        )

    def test_all_missed_is_refunded_and_ended(self, student, teacher, course, enrollment):
        for session in course.sessions.all():
            take_place(session, teacher)
        settle()
        done = fresh(enrollment)
        assert (done.status, done.payment_status) == ("cancelled", "refunded")
        assert (done.refund_amount, done.completion_percentage) == (100, 0)
        assert fresh(enrollment.hold).status == "refunded"

    def test_a_cancelled_session_does_not_count(self, student, teacher, course, enrollment):
        first, *others = course.sessions.all()
        for session in others:
            cancel_session(session_id=session.pk, actor=teacher)
        take_place(first, student, teacher)
        settle()
        done = fresh(enrollment)
        assert (done.status, done.completion_percentage) == ("completed", 100)

    def test_it_ends_when_the_last_session_is_called_off(self, student, teacher, enrollment):
        first, *others = enrollment.course.sessions.all()
        take_place(first, student, teacher)
        settle()
        for session in others:
            cancel_session(session_id=session.pk, actor=teacher)
        done = fresh(enrollment)
        assert (done.status, done.completion_percentage) == ("completed", 100)

    def test_a_running_session_of_a_cancelled_one_is_settled(
        self, student, teacher, course, enrollment
    ):
        first = course.sessions.first()
        start_session(first)
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        take_place(first, student, teacher)
        assert settle().released_amount == Decimal("14.28")
        done = fresh(enrollment)
        assert (done.status, done.refund_amount) == ("cancelled", Decimal("85.72"))
        assert done.completion_percentage == Decimal("14.29")
        assert fresh(course).current_students == 0

    def test_a_part_of_nothing_is_settled_without_a_transfer(self, student, teacher, enrollment):
        added = extend_course(
            enrollment.course, starts_at=enrollment.course.sessions.last().ends_at
        )
        take_place(added, student, teacher)
        moved = Transfer.objects.count()
        assert settle().released == 1
        part = HoldPart.objects.get(session=added)
        assert (part.status, part.amount, part.reason) == ("released", 0, "attended")
        assert Transfer.objects.count() == moved

    def test_days_without_the_job_are_made_up_in_one_go(self, student, teacher, enrollment):
        """Released, refunded and waiting parts of one hold, in one transaction."""
        attended, missed, absent, unknown, *_ = enrollment.course.sessions.all()
        take_place(attended, student, teacher)
        take_place(missed, teacher)
        take_place(absent, student)
        end_session(unknown, ago=HOUR)
        assert settle() == Tally(
            released=1,
            refunded=2,
            reviewed=1,
            completed=4,
            released_amount=Decimal("14.28"),
            refunded_amount=Decimal("28.57"),
        )
        reasons = HoldPart.objects.order_by("session__session_number").values_list("reason")
        assert [reason for (reason,) in reasons[:4]] == ["attended", "missed", "teacher_absent", ""]


def test_the_story_of_a_course_to_the_cent():
    """Seven sessions at $100.00 through a referral link: each cent is where the rules put it."""
    friend = student_with_credit("0.00")
    student = student_with_credit("100.00", referral_code=friend.referral_code)
    course = make_course()
    teacher = course.teacher
    bought = enroll_full_course(student=student, course_id=course.pk)
    sessions = list(course.sessions.all())
    for session in sessions[:4]:
        take_place(session, student, teacher)
        settle()
    take_place(sessions[4], teacher)
    settle()
    take_place(sessions[5], student)
    settle()
    done = cancel_enrollment(student=student, enrollment_id=bought.pk)
    # 14.28 + 14.29 + 14.28 + 14.29 released; 14.28, 14.29 and the last 14.29 back.
    assert done.refund_amount == Decimal("14.29")
    hold = fresh(bought.hold)
    assert (hold.released_amount, hold.refunded_amount) == (Decimal("57.14"), Decimal("42.86"))
    assert balances_of(student) == (Decimal("42.86"), 0)
    assert balance(teacher, "earnings") == Decimal("39.99")
    assert balance(friend, "earnings") == Decimal("12.00")
    platform = Transfer.objects.filter(credit_account__kind="platform")
    assert sum(transfer.amount for transfer in platform) == Decimal("5.15")
    story = [(event.event, event.reason) for event in hold.timeline]
    assert story == [
        ("held", ""),
        *[("released", "attended")] * 4,
        ("refunded", "missed"),
        ("refunded", "teacher_absent"),
        ("refunded", "student_cancelled"),
    ]
    assert settle() == Tally()


def test_a_teacher_who_brought_the_student_gets_both_shares():
    course = make_course()
    student = student_with_credit("100.00", referral_code=course.teacher.referral_code)
    enroll_full_course(student=student, course_id=course.pk)
    for session in course.sessions.all():
        take_place(session, student, course.teacher)
    settle()
    assert balance(course.teacher, "earnings") == Decimal("91.00")


def test_the_statements_of_a_hold_are_as_many_for_seven_sessions_as_for_one(teacher):
    def cost(sessions):
        course = make_course(sessions=8, teacher=teacher)
        student = student_with_credit("100.00")
        bought = enroll_full_course(student=student, course_id=course.pk)
        for session in course.sessions.all()[:sessions]:
            take_place(session, student, teacher)
        with CaptureQueriesContext(connection) as captured:
            assert settling.settle_hold(bought.hold.pk).released == sessions
        return len(captured)

    assert cost(1) == cost(7) <= 16
