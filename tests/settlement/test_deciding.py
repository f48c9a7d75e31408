"""What staff decide on a hold: whose money moves, and what becomes of the booking."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from common.errors import NotFound
from enrollments.errors import PartyToHold
from enrollments.models import EnrollmentStatus, PaymentStatus, PurchaseStatus
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.errors import HoldSettled
from payments.models import HoldPart, PaymentHold, Transfer
from rooms.models import Attendance
from settlement.errors import SessionCalledOff, SessionNotOver, SessionNotStarted
from settlement.services.deciding import refund_hold, release_hold
from tests.balances import balance
from tests.factories import (
    StaffFactory,
    end_session,
    give_credit,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_are_clean")]


@pytest.fixture
def boss():
    return StaffFactory()


@pytest.fixture
def enrollment():
    """Three sessions for 100.00, the first of which is over."""
    course = make_course(sessions=3)
    student = student_with_credit("500.00")
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    end_session(course.sessions.get(session_number=1))
    return enrollment


@pytest.fixture
def purchase():
    session = make_course(sessions=1).sessions.get()
    return purchase_session(student=student_with_credit("500.00"), session_id=session.pk)


def parts_of(booking) -> dict[int, HoldPart]:
    parts = HoldPart.objects.filter(hold=booking.hold).select_related("session")
    return {part.session.session_number: part for part in parts}


def seats(booking) -> int:
    booking.course.refresh_from_db()
    return booking.course.current_students


def refund(booking, actor, **more):
    return refund_hold(hold_id=booking.hold.pk, actor=actor, reason="A complaint", **more)


def test_refunding_a_whole_hold_ends_the_enrolment(enrollment, boss):
    decision = refund(enrollment, boss)
    enrollment.refresh_from_db()
    assert (decision.amount, len(decision.parts)) == (Decimal("100.00"), 3)
    assert (enrollment.status, enrollment.payment_status) == ("cancelled", "refunded")
    assert enrollment.cancelled_at
    assert (balance(enrollment.user), seats(enrollment)) == (Decimal("500.00"), 0)
    reasons = {part.reason for part in parts_of(enrollment).values()}
    assert reasons == {HoldPart.Reason.STAFF_DECISION}


def test_every_transfer_says_who_and_why(enrollment, boss):
    refund(enrollment, boss)
    made = Transfer.objects.filter(hold=enrollment.hold, kind=Transfer.Kind.REFUND)
    assert {(row.actor, row.note) for row in made} == {(boss, "A complaint")}


def test_refunding_one_part_lets_the_enrolment_go_on(enrollment, boss):
    part = parts_of(enrollment)[2]
    refund(enrollment, boss, part_ids=[part.pk])
    enrollment.refresh_from_db()
    hold = PaymentHold.objects.get(pk=enrollment.hold.pk)
    assert (enrollment.status, enrollment.payment_status) == ("active", "paid")
    assert enrollment.refund_amount == hold.refunded_amount == part.amount
    assert (hold.status, seats(enrollment)) == ("held", 1)


def test_refunding_all_of_a_course_that_is_over_ends_the_enrolment(enrollment, boss):
    for session in enrollment.course.sessions.all():
        end_session(session)
    refund(enrollment, boss)
    enrollment.refresh_from_db()
    assert (enrollment.status, seats(enrollment)) == (EnrollmentStatus.CANCELLED, 0)
    assert enrollment.payment_status == PaymentStatus.REFUNDED


def test_what_is_left_of_a_cancelled_enrolment_is_refunded(enrollment, boss):
    cancel_enrollment(student=enrollment.user, enrollment_id=enrollment.pk)
    decision = refund(enrollment, boss)
    enrollment.refresh_from_db()
    assert (decision.amount, enrollment.status) == (Decimal("33.33"), "cancelled")
    assert (balance(enrollment.user), seats(enrollment)) == (Decimal("500.00"), 0)


def test_refunding_a_purchase_cancels_it(purchase, boss):
    refund(purchase, boss)
    purchase.refresh_from_db()
    assert (purchase.status, purchase.payment_status) == (PurchaseStatus.CANCELLED, "refunded")
    assert balance(purchase.user) == Decimal("500.00")
    again = purchase_session(student=purchase.user, session_id=purchase.session_id)
    assert again.status == PurchaseStatus.ACTIVE


def test_a_second_refund_moves_nothing(enrollment, boss):
    refund(enrollment, boss)
    with pytest.raises(HoldSettled):
        refund(enrollment, boss)
    assert (balance(enrollment.user), seats(enrollment)) == (Decimal("500.00"), 0)


def test_a_part_that_is_settled_refuses_the_whole_choice(enrollment, boss):
    parts = parts_of(enrollment)
    refund(enrollment, boss, part_ids=[parts[2].pk])
    with pytest.raises(HoldSettled):
        refund(enrollment, boss, part_ids=[parts[2].pk, parts[3].pk])
    assert balance(enrollment.user) == Decimal("400.00") + parts[2].amount


@pytest.mark.parametrize("chosen", [[], [uuid4()]])
def test_choosing_no_part_of_the_hold_is_refused(enrollment, boss, chosen):
    with pytest.raises(HoldSettled):
        refund(enrollment, boss, part_ids=chosen)


@pytest.mark.parametrize("role", ["student", "teacher", "referrer"])
def test_nobody_decides_on_a_hold_of_their_own(boss, role):
    student = boss if role == "student" else student_with_credit("0.00")
    if role == "referrer":
        student.referred_by = boss
        student.save()
    course = make_course(
        sessions=1, price_full_course=None, teacher=boss if role == "teacher" else None
    )
    give_credit(student, "100.00")
    purchase = purchase_session(student=student, session_id=course.sessions.get().pk)
    with pytest.raises(PartyToHold):
        refund(purchase, boss)
    assert balance(student) == Decimal("84.00")


def release(booking, actor, **more):
    return release_hold(hold_id=booking.hold.pk, actor=actor, reason="It took place", **more)


def test_releasing_the_part_of_a_session_that_is_over_pays_its_teacher(enrollment, boss):
    decision = release(enrollment, boss, part_ids=[parts_of(enrollment)[1].pk])
    enrollment.refresh_from_db()
    assert (decision.amount, enrollment.status) == (Decimal("33.33"), "active")
    assert balance(enrollment.course.teacher, "earnings") == Decimal("23.33")
    assert (balance(enrollment.user), enrollment.refund_amount) == (400, 0)
    made = Transfer.objects.filter(hold=enrollment.hold, kind=Transfer.Kind.RELEASE)
    assert {(row.actor, row.note) for row in made} == {(boss, "It took place")}


def test_releasing_the_last_part_completes_the_enrolment(enrollment, boss):
    for session in enrollment.course.sessions.all():
        end_session(session)
    release(enrollment, boss)
    enrollment.refresh_from_db()
    hold = PaymentHold.objects.get(pk=enrollment.hold.pk)
    assert (enrollment.status, enrollment.payment_status) == ("completed", "paid")
    assert (hold.status, hold.released_amount, seats(enrollment)) == ("released", 100, 1)


def test_releasing_what_is_left_of_a_cancelled_enrolment_leaves_it_cancelled(enrollment, boss):
    cancel_enrollment(student=enrollment.user, enrollment_id=enrollment.pk)
    release(enrollment, boss)
    enrollment.refresh_from_db()
    assert (enrollment.status, seats(enrollment)) == ("cancelled", 0)


def test_a_released_purchase_was_attended(purchase, boss):
    end_session(purchase.session)
    release(purchase, boss)
    purchase.refresh_from_db()
    assert (purchase.status, purchase.attended, purchase.cancelled_at) == ("attended", True, None)
    with pytest.raises(HoldSettled):
        refund(purchase, boss)


def test_who_was_there_keeps_that(purchase, boss):
    end_session(purchase.session)
    ends = purchase.session.starts_at + timedelta(minutes=45)
    Attendance.objects.create(
        session=purchase.session,
        user=purchase.user,
        connection="PA_1",
        room_sid="RM_1",
        joined_at=purchase.session.starts_at,
        left_at=ends,
        seen_at=ends,
        source="webhook",
    )
    refund(purchase, boss)
    purchase.refresh_from_db()
    assert (purchase.status, purchase.attended) == ("cancelled", True)
    assert purchase.attendance_duration_minutes == 45


def test_what_was_paid_out_counts_as_attended(enrollment, boss):
    release(enrollment, boss, part_ids=[parts_of(enrollment)[1].pk])
    refund(enrollment, boss, part_ids=[parts_of(enrollment)[2].pk])
    enrollment.refresh_from_db()
    assert enrollment.completion_percentage == Decimal("33.33")


def test_a_session_that_is_running_is_not_paid_out(purchase, boss):
    """Nobody was there yet, and a minute after the start nobody can have been."""
    start_session(purchase.session, ago=timedelta(minutes=1))
    with pytest.raises(SessionNotOver):
        release(purchase, boss)
    end_session(purchase.session, ago=timedelta(seconds=-1))
    with pytest.raises(SessionNotOver):
        release(purchase, boss)
    end_session(purchase.session, ago=timedelta(0))
    assert release(purchase, boss).amount == 16


def test_of_a_hold_only_what_is_over_is_paid_out(enrollment, boss):
    parts = parts_of(enrollment)
    start_session(parts[2].session)
    with pytest.raises(SessionNotOver):
        release(enrollment, boss, part_ids=[parts[1].pk, parts[2].pk])
    assert balance(enrollment.course.teacher, "earnings") == 0
    assert refund(enrollment, boss, part_ids=[parts[2].pk]).amount == parts[2].amount


@pytest.mark.parametrize("by_name", [True, False])
def test_a_session_to_come_is_not_paid_out(enrollment, boss, by_name):
    parts = parts_of(enrollment)
    named = {"part_ids": [parts[1].pk, parts[2].pk]} if by_name else {}
    with pytest.raises(SessionNotStarted):
        release(enrollment, boss, **named)
    assert balance(enrollment.course.teacher, "earnings") == 0


def test_a_cancelled_session_is_not_paid_out(enrollment, boss):
    part = parts_of(enrollment)[1]
    type(part.session).objects.filter(pk=part.session_id).update(status="cancelled")
    with pytest.raises(SessionCalledOff):
        release(enrollment, boss, part_ids=[part.pk])


def test_what_is_under_review_can_go_either_way(enrollment, boss):
    HoldPart.objects.filter(hold=enrollment.hold).update(review_reason="Nobody came")
    parts = parts_of(enrollment)
    release(enrollment, boss, part_ids=[parts[1].pk])
    refund(enrollment, boss, part_ids=[parts[2].pk])
    assert [part.status for part in parts_of(enrollment).values()] == [
        "released",
        "refunded",
        "pending",
    ]


def test_an_unknown_hold_is_not_found(boss):
    with pytest.raises(NotFound):
        refund_hold(hold_id=uuid4(), actor=boss, reason="x")
