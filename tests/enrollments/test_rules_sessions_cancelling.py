"""Cancelling and deleting sessions, and what goes back for them."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from courses.models import CourseSession
from courses.services import publish_course
from enrollments.errors import (
    PartyToHold,
    RefundsChanged,
    SessionClosed,
    SessionSold,
    SessionStarted,
)
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import (
    Refunds,
    cancel_session,
    delete_session,
    refund_cancelled_session,
    refunds_due,
    refunds_made,
)
from payments.models import HoldPart
from payments.wallets import balances_of
from rooms.models import Attendance
from tests.conversations import CONFIGURED, attend
from tests.enrollments.sold import course, enrollment, first, reason, student
from tests.factories import (
    DAY,
    StaffFactory,
    UserFactory,
    end_session,
    extend_course,
    give_credit,
    make_course,
    start_session,
    student_with_credit,
)

__all__ = ["course", "enrollment", "first", "student"]


class TestCancelling:
    @pytest.mark.parametrize("started", [False, True])
    def test_every_part_comes_back_once(self, student, course, first, enrollment, started):
        single = student_with_credit("16.00")
        purchase = purchase_session(student=single, session_id=first.pk)
        if started:
            start_session(first)

        for _ in range(2):
            cancel_session(session_id=first.pk, actor=StaffFactory())

        enrollment.refresh_from_db()
        purchase.refresh_from_db()
        assert (enrollment.status, enrollment.refund_amount) == ("active", Decimal("14.28"))
        assert (purchase.status, purchase.payment_status) == ("cancelled", "refunded")
        assert balances_of(student) == (Decimal("414.28"), Decimal("85.72"))
        assert balances_of(single) == (Decimal("16.00"), Decimal("0.00"))
        assert reason(student, first) == reason(single, first) == "session_cancelled"

    def test_a_repeat_sweeps_up_what_a_crash_left(self, student, course, first, enrollment):
        CourseSession.objects.filter(pk=first.pk).update(status="cancelled")
        first.refresh_from_db()
        assert refund_cancelled_session(first, actor=None) == 1
        assert refund_cancelled_session(first, actor=None) == 0
        assert balances_of(student)[0] == Decimal("414.28")

    def test_what_waits_of_a_cancelled_enrolment_comes_back(
        self, student, course, first, enrollment
    ):
        start_session(first)
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        cancel_session(session_id=first.pk, actor=StaffFactory())
        enrollment.refresh_from_db()
        assert (enrollment.status, enrollment.payment_status) == ("cancelled", "refunded")
        assert balances_of(student) == (Decimal("500.00"), Decimal("0.00"))

    def test_nothing_happens_if_other_refunds_were_expected(
        self, student, course, first, enrollment
    ):
        due = refunds_due(first.pk)
        assert due == Refunds(students=1, amount=Decimal("14.28"))
        purchase_session(student=student_with_credit(), session_id=first.pk)
        with pytest.raises(RefundsChanged) as refusal:
            cancel_session(session_id=first.pk, actor=course.teacher, expected=due)
        assert refusal.value.details == {"students": 2, "amount": "30.28"}
        assert balances_of(student) == (Decimal("400.00"), Decimal("100.00"))
        assert refunds_made(first.pk) == Refunds(students=0, amount=Decimal("0.00"))

    def test_a_repeat_expects_nothing(self, course, first, enrollment):
        due = refunds_due(first.pk)
        for _ in range(2):
            cancel_session(session_id=first.pk, actor=course.teacher, expected=due)
        assert refunds_made(first.pk) == due
        assert refunds_due(first.pk) == Refunds(students=0, amount=Decimal("0.00"))

    def test_a_session_that_is_over_stays(self, course, first):
        CourseSession.objects.filter(pk=first.pk).update(status="completed")
        with pytest.raises(SessionClosed):
            cancel_session(session_id=first.pk, actor=course.teacher)

    @pytest.mark.parametrize("begins", [start_session, end_session])
    @pytest.mark.parametrize("is_staff", [False, True])
    def test_once_it_has_begun_its_teacher_cannot(
        self, student, course, first, enrollment, begins, is_staff
    ):
        """Nor a teacher who is on the staff: they would decide on their own lesson."""
        begins(first)
        User.objects.filter(pk=course.teacher_id).update(is_staff=is_staff)
        with pytest.raises(SessionStarted) as refusal:
            cancel_session(session_id=first.pk, actor=User.objects.get(pk=course.teacher_id))
        assert (refusal.value.status, refusal.value.code) == (409, "session_started")
        first.refresh_from_db()
        assert first.status == "scheduled"
        assert balances_of(student) == (Decimal("400.00"), Decimal("100.00"))

    @pytest.mark.parametrize("role", ["student", "referrer"])
    def test_staff_do_not_whose_own_money_is_in_it(self, first, role):
        """They had the lesson, and would have its price back."""
        clerk = StaffFactory()
        code = clerk.referral_code if role == "referrer" else ""
        buyer = clerk if role == "student" else UserFactory(referral_code=code)
        give_credit(buyer, "16.00")
        purchase_session(student=buyer, session_id=first.pk)
        start_session(first)
        with pytest.raises(PartyToHold):
            cancel_session(session_id=first.pk, actor=clerk)
        assert balances_of(buyer) == (Decimal("0.00"), Decimal("16.00"))
        cancel_session(session_id=first.pk, actor=StaffFactory())
        assert balances_of(buyer)[0] == Decimal("16.00")

    def test_what_was_called_off_in_time_is_swept_up_also_after_its_start(
        self, student, course, first, enrollment
    ):
        CourseSession.objects.filter(pk=first.pk).update(status="cancelled")
        start_session(first)
        cancel_session(session_id=first.pk, actor=course.teacher)
        assert balances_of(student)[0] == Decimal("414.28")

    def test_strangers_may_not(self, first):
        for who in (UserFactory(), UserFactory(is_teacher=True)):
            with pytest.raises(NotFound):
                cancel_session(session_id=first.pk, actor=who)
        with pytest.raises(NotFound):
            cancel_session(session_id=uuid4(), actor=StaffFactory())


class TestDeleting:
    def delete(self, session, actor=None):
        delete_session(session_id=session.pk, actor=actor or session.course.teacher)

    @pytest.mark.parametrize("published", [True, False])
    def test_what_nobody_booked_goes_and_takes_nothing_off_the_price(self, student, published):
        course = make_course(sessions=3, published=published)
        self.delete(course.sessions.get(session_number=2))

        left = [session.session_number for session in course.sessions.all()]
        assert left == [1, 2]
        extend_course(course, starts_at=timezone.now() + 9 * DAY)
        publish_course(course_id=course.pk, actor=course.teacher)
        bought = enroll_full_course(student=student, course_id=course.pk)
        shares = HoldPart.objects.filter(hold__enrollment=bought).values_list("amount", flat=True)
        assert sorted(shares) == [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]

    def test_once(self, first):
        self.delete(first)
        with pytest.raises(NotFound):
            self.delete(first)

    @pytest.mark.parametrize("fate", ["held", "returned", "for nothing"])
    def test_not_what_somebody_has_or_had(self, student, course, first, fate):
        if fate == "for nothing":
            enroll_full_course(student=student, course_id=course.pk)
            first = extend_course(course, starts_at=timezone.now() + 9 * DAY)
        else:
            bought = purchase_session(student=student, session_id=first.pk)
        if fate == "returned":
            cancel_session_purchase(student=student, purchase_id=bought.pk)
        for actor in (course.teacher, StaffFactory()):
            with pytest.raises(SessionSold) as refusal:
                self.delete(first, actor)
        assert (refusal.value.status, refusal.value.code) == (409, "session_sold")
        cancel_session(session_id=first.pk, actor=course.teacher)
        with pytest.raises(SessionSold):
            self.delete(first)

    @pytest.mark.parametrize("begins", [start_session, end_session])
    def test_not_once_it_has_begun(self, first, begins):
        begins(first)
        with pytest.raises(SessionStarted):
            self.delete(first)

    def test_one_that_was_called_off_did_not_take_place(self, course, first):
        cancel_session(session_id=first.pk, actor=course.teacher)
        start_session(first)
        self.delete(first)
        assert not CourseSession.objects.filter(pk=first.pk).exists()

    def test_what_its_room_told_goes_with_it(self, course, first, settings):
        for name, value in CONFIGURED.items():
            setattr(settings, name, value)
        attend(first, course.teacher)
        self.delete(first)
        assert not Attendance.objects.exists()

    def test_strangers_may_not(self, first):
        for who in (UserFactory(), UserFactory(is_teacher=True)):
            with pytest.raises(NotFound):
                self.delete(first, who)
        self.delete(first, StaffFactory())
