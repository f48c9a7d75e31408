"""What cancelling gives back, when it is refused, and that the preview says the same."""

from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.errors import NotFound
from enrollments.errors import AlreadyCancelled, SessionNotMoved, SessionStarted
from enrollments.learning.previews import preview_enrollment, preview_purchase
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course, hand_back_session
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, move_session
from payments.errors import HoldSettled
from payments.models import HoldPart, PaymentHold
from payments.wallets import balances_of
from tests.enrollments.sold import course, enrollment, student
from tests.factories import DAY, access_to, make_course, start_session, student_with_credit

__all__ = ["course", "enrollment", "student"]


@pytest.fixture
def sessions(course):
    return list(course.sessions.order_by("session_number"))


@pytest.fixture
def purchase(student, sessions) -> SessionPurchase:
    return purchase_session(student=student, session_id=sessions[0].pk)


def move(session, by=DAY):
    teacher = session.course.teacher
    return move_session(
        session_id=session.pk,
        actor=teacher,
        starts_at=session.starts_at + by,
        duration_minutes=session.duration_minutes,
    )


class TestEnrolment:
    def test_everything_comes_back_before_the_start(self, student, course, enrollment):
        done = cancel_enrollment(student=student, enrollment_id=enrollment.pk, reason="Moving away")

        enrollment.refresh_from_db()
        course.refresh_from_db()
        assert done.refund_amount == enrollment.refund_amount == Decimal("100.00")
        assert (enrollment.status, enrollment.payment_status) == ("cancelled", "refunded")
        assert enrollment.cancelled_at == done.refunded_at
        assert course.current_students == 0
        assert balances_of(student) == (Decimal("500.00"), Decimal("0.00"))
        hold = PaymentHold.objects.get(enrollment=enrollment)
        assert (hold.status, hold.notes) == ("refunded", "Moving away")

    def test_a_running_session_waits_and_still_admits(self, student, enrollment, sessions):
        start_session(sessions[0])

        done = cancel_enrollment(student=student, enrollment_id=enrollment.pk)

        enrollment.refresh_from_db()
        assert done.refund_amount == Decimal("85.72")
        assert (enrollment.status, enrollment.payment_status) == ("cancelled", "paid")
        assert balances_of(student) == (Decimal("485.72"), Decimal("14.28"))
        assert PaymentHold.objects.get(enrollment=enrollment).status == "held"
        assert access_to(sessions[0], student).reason == "enrolled"
        assert access_to(sessions[1], student).reason == "cancelled"

    def test_the_reason_stays_where_nothing_comes_back(self, student, enrollment, sessions):
        for session in sessions:
            start_session(session)
        done = cancel_enrollment(student=student, enrollment_id=enrollment.pk, reason="Moving away")
        assert done.refund_amount == 0
        assert PaymentHold.objects.get(enrollment=enrollment).notes == "Moving away"

    def test_once_only(self, student, course, enrollment):
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        with pytest.raises(AlreadyCancelled):
            cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        course.refresh_from_db()
        assert course.current_students == 0
        assert balances_of(student)[0] == Decimal("500.00")

    def test_a_completed_one_is_settled(self, student, course, enrollment):
        for part in HoldPart.objects.filter(hold__enrollment=enrollment):
            part.status, part.settled_at = "released", timezone.now()
            part.save()
        CourseEnrollment.objects.filter(pk=enrollment.pk).update(status="completed")
        with pytest.raises(HoldSettled):
            cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        course.refresh_from_db()
        assert course.current_students == 1

    def test_somebody_elses_is_not_there(self, enrollment, course):
        for who in (student_with_credit(), course.teacher):
            with pytest.raises(NotFound):
                cancel_enrollment(student=who, enrollment_id=enrollment.pk)
        enrollment.refresh_from_db()
        assert enrollment.status == "active"


class TestPurchase:
    def test_its_price_comes_back_before_the_start(self, student, purchase):
        done = cancel_session_purchase(student=student, purchase_id=purchase.pk)

        purchase.refresh_from_db()
        assert done.refund_amount == purchase.refund_amount == Decimal("16.00")
        assert (purchase.status, purchase.payment_status) == ("cancelled", "refunded")
        assert balances_of(student) == (Decimal("500.00"), Decimal("0.00"))

    def test_not_once_it_has_started(self, student, purchase, sessions):
        start_session(sessions[0])
        with pytest.raises(SessionStarted):
            cancel_session_purchase(student=student, purchase_id=purchase.pk)
        assert balances_of(student) == (Decimal("484.00"), Decimal("16.00"))

    def test_once_only(self, student, purchase):
        cancel_session_purchase(student=student, purchase_id=purchase.pk)
        with pytest.raises(AlreadyCancelled):
            cancel_session_purchase(student=student, purchase_id=purchase.pk)
        assert balances_of(student)[0] == Decimal("500.00")

    @pytest.mark.parametrize("status", ["attended", "missed"])
    def test_not_once_it_is_settled(self, student, purchase, status):
        SessionPurchase.objects.filter(pk=purchase.pk).update(status=status)
        with pytest.raises(HoldSettled):
            cancel_session_purchase(student=student, purchase_id=purchase.pk)

    def test_somebody_elses_is_not_there(self, purchase):
        with pytest.raises(NotFound):
            cancel_session_purchase(student=student_with_credit(), purchase_id=purchase.pk)


class TestHandingBack:
    def hand_back(self, student, enrollment, session):
        return hand_back_session(
            student=student, enrollment_id=enrollment.pk, session_id=session.pk
        )

    def test_a_moved_session_comes_back_and_the_enrolment_goes_on(
        self, student, enrollment, sessions
    ):
        move(sessions[6])

        done = self.hand_back(student, enrollment, sessions[6])

        enrollment.refresh_from_db()
        assert done.refund_amount == enrollment.refund_amount == Decimal("14.29")
        assert (enrollment.status, enrollment.payment_status) == ("active", "paid")
        assert access_to(sessions[6], student).reason == "cancelled"
        with pytest.raises(HoldSettled):
            self.hand_back(student, enrollment, sessions[6])
        assert balances_of(student) == (Decimal("414.29"), Decimal("85.71"))

    def test_what_was_handed_back_may_be_bought_singly(self, student, enrollment, sessions):
        move(sessions[6])
        self.hand_back(student, enrollment, sessions[6])
        purchase_session(student=student, session_id=sessions[6].pk)
        assert access_to(sessions[6], student).reason == "purchased"

    def test_not_while_it_is_where_it_was_sold(self, student, enrollment, sessions):
        with pytest.raises(SessionNotMoved):
            self.hand_back(student, enrollment, sessions[0])

    def test_not_when_it_was_moved_back(self, student, enrollment, sessions):
        move(move(sessions[0]), -DAY)
        with pytest.raises(SessionNotMoved):
            self.hand_back(student, enrollment, sessions[0])

    def test_not_once_it_has_started(self, student, enrollment, sessions):
        start_session(move(sessions[0]))
        with pytest.raises(SessionStarted):
            self.hand_back(student, enrollment, sessions[0])

    def test_not_after_cancelling_everything(self, student, enrollment, sessions):
        move(sessions[0])
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        with pytest.raises(AlreadyCancelled):
            self.hand_back(student, enrollment, sessions[0])

    def test_only_ones_own_and_only_what_was_bought(self, student, enrollment, sessions):
        with pytest.raises(NotFound):
            self.hand_back(student_with_credit(), enrollment, sessions[0])
        with pytest.raises(NotFound):
            self.hand_back(student, enrollment, make_course().sessions.first())


class TestPreview(TestCase):
    """Whatever has happened to a course, the preview says what the deed then does."""

    @settings(max_examples=25, derandomize=True)
    @given(
        fates=st.lists(st.sampled_from("-scm"), min_size=1, max_size=5),
        cents=st.integers(min_value=5, max_value=30_000),
    )
    def test_preview_equals_deed(self, fates, cents):
        student = student_with_credit("500.00")
        price = Decimal(cents).scaleb(-2)
        course = make_course(sessions=len(fates), price_full_course=price)
        bought = enroll_full_course(student=student, course_id=course.pk)
        for session, fate in zip(course.sessions.all(), fates, strict=True):
            if fate == "s":
                start_session(session)
            elif fate == "c":
                cancel_session(session_id=session.pk, actor=course.teacher)
            elif fate == "m":
                move(session)
        preview = preview_enrollment(user=student, enrollment_id=bought.pk)
        if set(fates) == {"c"}:  # it has ended by itself
            assert (preview.code, preview.refund_amount) == ("already_cancelled", 0)
            return

        done = cancel_enrollment(student=student, enrollment_id=bought.pk)

        assert preview.allowed
        assert preview.refund_amount == done.refund_amount
        assert [outlook.refund > 0 for outlook in preview.sessions] == [f in "-m" for f in fates]
        after = preview_enrollment(user=student, enrollment_id=bought.pk)
        assert (after.code, after.refund_amount) == ("already_cancelled", 0)


def test_the_preview_of_a_purchase_equals_the_deed(student, purchase):
    preview = preview_purchase(user=student, purchase_id=purchase.pk)
    done = cancel_session_purchase(student=student, purchase_id=purchase.pk)
    assert (preview.code, preview.refund_amount) == (None, done.refund_amount)
    after = preview_purchase(user=student, purchase_id=purchase.pk)
    assert (after.code, after.refund_amount) == ("already_cancelled", 0)


def test_the_preview_of_a_started_purchase_says_why_not(student, purchase, sessions):
    start_session(sessions[0])
    preview = preview_purchase(user=student, purchase_id=purchase.pk)
    assert (preview.allowed, preview.code) == (False, "session_started")
    assert [(s.paid, s.refund, s.reason) for s in preview.sessions] == [
        (Decimal("16.00"), Decimal("0.00"), "session_started")
    ]


def test_previews_are_ones_own(enrollment, course):
    with pytest.raises(NotFound):
        preview_enrollment(user=course.teacher, enrollment_id=enrollment.pk)
