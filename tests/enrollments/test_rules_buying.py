"""What buying costs, and what it makes."""

from decimal import Decimal

import pytest
from django.utils import timezone

from common.money import total
from courses.services import publish_course
from enrollments.errors import PriceChanged
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session
from enrollments.shop.course import course_for
from payments.errors import InsufficientCredit
from payments.models import HoldPart, PaymentHold, Transfer
from payments.wallets import balances_of
from tests.enrollments.buying import buy, enroll, money, sessions_of, shares_of, students_in
from tests.factories import DAY, extend_course, make_course, start_session, student_with_credit

pytestmark = pytest.mark.django_db


class TestShares:
    def test_the_full_price_is_held_in_exact_shares(self):
        student, course = student_with_credit("500.00"), make_course()

        enrollment = enroll(student, course)

        assert shares_of(enrollment) == money(
            "14.28", "14.29", "14.28", "14.29", "14.28", "14.29", "14.29"
        )
        assert (enrollment.status, enrollment.payment_status) == ("active", "paid")
        assert enrollment.total_price_paid == Decimal("100.00")
        assert balances_of(student) == (Decimal("400.00"), Decimal("100.00"))
        assert students_in(course) == 1

    def test_only_sessions_to_come_are_paid_for(self):
        student, course = student_with_credit("500.00"), make_course()
        for session in sessions_of(course)[:2]:
            start_session(session)

        enrollment = enroll(student, course)

        assert shares_of(enrollment) == money("14.28", "14.29", "14.28", "14.29", "14.29")
        assert enrollment.total_price_paid == Decimal("71.43")
        assert balances_of(student) == (Decimal("428.57"), Decimal("71.43"))

    @pytest.mark.parametrize("keeps_it", [True, False])
    def test_a_cancelled_session_that_somebody_paid_for_keeps_its_share(self, keeps_it):
        student, course = student_with_credit("500.00"), make_course()
        second = sessions_of(course)[1]
        early = student_with_credit()
        bought = buy(early, second)
        if not keeps_it:
            cancel_session_purchase(student=early, purchase_id=bought.pk)
        cancel_session(session_id=second.pk, actor=course.teacher)

        assert shares_of(enroll(student, course)) == money(
            "14.28", "14.28", "14.29", "14.28", "14.29", "14.29"
        )

    def test_one_that_nobody_paid_for_takes_nothing_off_the_price(self):
        """Those who are enrolled got it for nothing: that is no payment."""
        course = make_course(sessions=3, price_full_course="100.00")
        enroll(student_with_credit(), course)
        added = extend_course(course, starts_at=timezone.now() + 9 * DAY)
        cancel_session(session_id=added.pk, actor=course.teacher)

        later = enroll(student_with_credit(), course)

        assert shares_of(later) == money("33.33", "33.33", "33.34")
        assert course_for(None, course.pk).quote.price == Decimal("100.00")

    def test_its_place_is_nobodys(self):
        course = make_course(sessions=3, price_full_course="0.02", published=False)
        cancel_session(session_id=sessions_of(course)[0].pk, actor=course.teacher)
        publish_course(course_id=course.pk, actor=course.teacher)
        assert shares_of(enroll(student_with_credit(), course)) == money("0.01", "0.01")

    def test_a_session_costs_its_price_in_one_part(self):
        student, course = student_with_credit("20.00"), make_course()

        purchase = buy(student, sessions_of(course)[0])

        assert purchase.price_paid == Decimal("16.00")
        parts = HoldPart.objects.filter(hold__session_purchase=purchase)
        assert [part.amount for part in parts] == money("16.00")
        assert balances_of(student) == (Decimal("4.00"), Decimal("16.00"))

    def test_the_price_expected_must_be_the_price(self):
        student, course = student_with_credit(), make_course()

        with pytest.raises(PriceChanged):
            enroll_full_course(
                student=student, course_id=course.pk, expected_price=Decimal("99.00")
            )
        with pytest.raises(PriceChanged):
            purchase_session(
                student=student,
                session_id=sessions_of(course)[0].pk,
                expected_price=Decimal("15.00"),
            )
        assert not PaymentHold.objects.exists()


class TestCredit:
    def test_a_cent_too_little_buys_nothing(self):
        student, course = student_with_credit("99.99"), make_course()

        with pytest.raises(InsufficientCredit) as refusal:
            enroll(student, course)

        assert refusal.value.details["required"] == "100.00"
        assert refusal.value.details["available"] == "99.99"
        assert str(refusal.value) == "You need $0.01 more credit."
        assert not CourseEnrollment.objects.exists()
        assert not PaymentHold.objects.exists()
        assert students_in(course) == 0
        assert balances_of(student)[0] == Decimal("99.99")

    def test_the_last_cent_will_do(self):
        student = student_with_credit("100.00")
        enroll(student, make_course())
        assert balances_of(student) == (Decimal("0.00"), Decimal("100.00"))


class TestFolding:
    def test_seven_singles_of_12_and_the_course_at_80_give_4_back(self):
        student = student_with_credit("84.00")
        course = make_course(price_full_course="80.00", price_per_session="12.00")
        purchases = [buy(student, session) for session in sessions_of(course)]
        assert balances_of(student) == (Decimal("0.00"), Decimal("84.00"))

        enrollment = enroll(student, course)

        assert balances_of(student) == (Decimal("4.00"), Decimal("80.00"))
        rows = SessionPurchase.objects.filter(pk__in=[p.pk for p in purchases])
        assert {(r.status, r.payment_status, r.refund_amount) for r in rows} == {
            ("cancelled", "refunded", Decimal("12.00"))
        }
        reasons = HoldPart.objects.filter(hold__session_purchase__in=rows)
        assert set(reasons.values_list("reason", flat=True)) == {"folded"}
        assert total(shares_of(enrollment)) == Decimal("80.00")
        assert Transfer.objects.filter(kind="refund").count() == 7

    def test_a_started_single_is_not_folded(self):
        student, course = student_with_credit(), make_course(sessions=2)
        first, second = sessions_of(course)
        kept, folded = buy(student, first), buy(student, second)
        start_session(first)

        enrollment = enroll(student, course)

        kept.refresh_from_db()
        folded.refresh_from_db()
        assert (kept.status, folded.status) == ("active", "cancelled")
        assert shares_of(enrollment) == money("50.00")
        assert balances_of(student) == (Decimal("434.00"), Decimal("66.00"))

    def test_without_the_credit_nothing_is_folded(self):
        student, course = student_with_credit("16.00"), make_course()
        purchase = buy(student, sessions_of(course)[0])
        with pytest.raises(InsufficientCredit) as refusal:
            enroll(student, course)
        purchase.refresh_from_db()
        assert refusal.value.details["available"] == "16.00"
        assert purchase.status == "active"
        assert balances_of(student) == (Decimal("0.00"), Decimal("16.00"))

    def test_cancelling_later_revives_nothing(self):
        student, course = student_with_credit(), make_course()
        purchase = buy(student, sessions_of(course)[0])
        cancel_enrollment(student=student, enrollment_id=enroll(student, course).pk)
        purchase.refresh_from_db()
        assert purchase.status == "cancelled"
        assert balances_of(student) == (Decimal("500.00"), Decimal("0.00"))
