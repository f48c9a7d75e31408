"""What buying costs, what it makes, and when it is refused."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from common.errors import NotFound
from common.money import total
from courses.models import Course, CourseSession
from courses.services import archive_course, publish_course
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyPurchased,
    IncludedInEnrollment,
    NotForSale,
    OwnCourse,
    PriceChanged,
    SeatsTaken,
    SessionStarted,
    SoldOut,
)
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import (
    cancel_enrollment,
    enroll_full_course,
    hand_back_session,
)
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, change_course, move_session
from enrollments.shop.course import course_for
from payments.errors import InsufficientCredit
from payments.models import HoldPart, PaymentHold, Transfer
from payments.wallets import balances_of
from tests.factories import (
    DAY,
    StaffFactory,
    extend_course,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db


def money(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


def sessions_of(course: Course) -> list[CourseSession]:
    return list(course.sessions.order_by("session_number"))


def shares_of(enrollment: CourseEnrollment) -> list[Decimal]:
    parts = HoldPart.objects.filter(hold__enrollment=enrollment)
    return list(parts.order_by("session__session_number").values_list("amount", flat=True))


def enroll(student, course) -> CourseEnrollment:
    return enroll_full_course(student=student, course_id=course.pk)


def buy(student, session) -> SessionPurchase:
    return purchase_session(student=student, session_id=session.pk)


def returned(student, course, session) -> CourseEnrollment:
    """An enrolment that has handed back a session that was moved."""
    enrollment = enroll(student, course)
    starts_at = session.starts_at + timedelta(hours=1)
    move_session(
        session_id=session.pk, actor=course.teacher, starts_at=starts_at, duration_minutes=60
    )
    hand_back_session(student=student, enrollment_id=enrollment.pk, session_id=session.pk)
    return enrollment


def students_in(course: Course) -> int:
    return Course.objects.get(pk=course.pk).current_students


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


class TestNotForSale:
    def test_nothing_is_left_to_pay_for(self):
        student, course = student_with_credit(), make_course(sessions=2)
        for session in sessions_of(course):
            start_session(session)

        with pytest.raises(NotForSale):
            enroll(student, course)
        assert students_in(course) == 0

    def test_a_course_not_sold_whole(self):
        with pytest.raises(NotForSale):
            enroll(student_with_credit(), make_course(price_full_course=None))

    def test_a_session_not_sold_singly(self):
        course = make_course(price_per_session=None)
        with pytest.raises(NotForSale):
            buy(student_with_credit(), sessions_of(course)[0])

    def test_a_cancelled_session(self):
        course = make_course()
        first = sessions_of(course)[0]
        cancel_session(session_id=first.pk, actor=course.teacher)
        with pytest.raises(NotForSale):
            buy(student_with_credit(), first)

    def test_a_started_session(self):
        first = sessions_of(make_course())[0]
        start_session(first)
        with pytest.raises(SessionStarted):
            buy(student_with_credit(), first)

    def test_an_archived_course(self):
        course = make_course()
        archive_course(course_id=course.pk, actor=course.teacher)
        with pytest.raises(NotForSale):
            enroll(student_with_credit(), course)
        with pytest.raises(NotForSale):
            buy(student_with_credit(), sessions_of(course)[0])

    def test_a_draft_is_hidden_from_all_but_its_teacher_and_staff(self):
        course = make_course(published=False)
        first = sessions_of(course)[0]
        for who, refusal in (
            (student_with_credit(), NotFound),
            (course.teacher, OwnCourse),
            (StaffFactory(), NotForSale),
        ):
            with pytest.raises(refusal):
                enroll(who, course)
            with pytest.raises(refusal):
                buy(who, first)

    def test_what_does_not_exist(self):
        student = student_with_credit()
        with pytest.raises(NotFound):
            enroll_full_course(student=student, course_id=uuid4())
        with pytest.raises(NotFound):
            purchase_session(student=student, session_id=uuid4())

    def test_ones_own_course(self):
        course = make_course()
        with pytest.raises(OwnCourse):
            enroll(course.teacher, course)
        with pytest.raises(OwnCourse):
            buy(course.teacher, sessions_of(course)[0])


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


class TestTwice:
    def test_one_live_enrolment_in_a_course(self):
        student, course = student_with_credit(), make_course()
        enroll(student, course)
        with pytest.raises(AlreadyEnrolled):
            enroll(student, course)
        assert balances_of(student)[0] == Decimal("400.00")
        assert students_in(course) == 1

    @pytest.mark.parametrize("seats", [1, None])
    def test_the_enrolled_hear_so_whatever_is_left(self, seats):
        student, course = student_with_credit(), make_course(sessions=2, max_students=seats)
        enroll(student, course)
        for session in sessions_of(course):
            start_session(session)
        with pytest.raises(AlreadyEnrolled):
            enroll(student, course)

    def test_one_live_purchase_of_a_session(self):
        student, first = student_with_credit(), sessions_of(make_course())[0]
        buy(student, first)
        with pytest.raises(AlreadyPurchased):
            buy(student, first)
        assert balances_of(student)[0] == Decimal("484.00")

    def test_the_course_includes_its_sessions(self):
        student, course = student_with_credit(), make_course()
        enroll(student, course)
        with pytest.raises(IncludedInEnrollment):
            buy(student, sessions_of(course)[0])

    def test_both_may_be_bought_again_after_cancelling(self):
        student, course = student_with_credit(), make_course()
        first = sessions_of(course)[0]
        cancel_session_purchase(student=student, purchase_id=buy(student, first).pk)
        again = buy(student, first)
        cancel_session_purchase(student=student, purchase_id=again.pk)
        cancel_enrollment(student=student, enrollment_id=enroll(student, course).pk)
        enroll(student, course)

        assert balances_of(student) == (Decimal("400.00"), Decimal("100.00"))
        assert CourseEnrollment.objects.live().count() == 1
        assert SessionPurchase.objects.live().count() == 0

    @pytest.mark.parametrize("model", [CourseEnrollment, SessionPurchase])
    def test_the_database_itself_refuses_the_second(self, model):
        student, course = student_with_credit(), make_course()
        enroll(student, course)
        other = make_course()
        buy(student, sessions_of(other)[0])
        row = model.objects.get()
        row.pk, row._state.adding = uuid4(), True
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)


class TestSeats:
    def test_a_full_course_is_sold_out(self):
        course = make_course(max_students=1)
        enroll(student_with_credit(), course)
        with pytest.raises(SoldOut):
            enroll(student_with_credit(), course)
        with pytest.raises(SoldOut):
            buy(student_with_credit(), sessions_of(course)[0])
        assert students_in(course) == 1

    def test_single_purchases_of_a_session_take_seats_of_the_course(self):
        course = make_course(sessions=2, max_students=2)
        first, second = sessions_of(course)
        buy(student_with_credit(), first)
        buy(student_with_credit(), first)

        with pytest.raises(SoldOut):
            enroll(student_with_credit(), course)
        buy(student_with_credit(), second)
        start_session(first)
        enroll(student_with_credit(), course)
        with pytest.raises(SoldOut):
            buy(student_with_credit(), second)

    def test_ones_own_single_purchase_is_no_seat_of_somebody_else(self):
        course, student = make_course(sessions=2, max_students=1), student_with_credit()
        buy(student, sessions_of(course)[0])
        enroll(student, course)
        assert students_in(course) == 1

    def test_nobody_fills_two_seats_of_a_session(self, broken):
        """A moved session handed back and bought singly: the seat of the enrolment will do."""
        course, student = make_course(max_students=2), student_with_credit()
        first = sessions_of(course)[0]
        returned(student, course, first)
        buy(student, first)
        other = buy(student_with_credit(), first)
        with pytest.raises(SoldOut):
            buy(student_with_credit(), first)
        with pytest.raises(SoldOut):
            enroll(student_with_credit(), course)
        assert broken() == {}
        cancel_session_purchase(student=other.user, purchase_id=other.pk)
        enroll(student_with_credit(), course)
        assert broken() == {}

    def test_an_enrolment_keeps_its_seat_in_what_it_returned(self, broken):
        course, student = make_course(max_students=1), student_with_credit()
        first = sessions_of(course)[0]
        enrollment = returned(student, course, first)
        with pytest.raises(SoldOut):
            buy(student_with_credit(), first)
        shown = course_for(student, course.pk)
        assert (shown.sessions[0].seats_left, shown.sessions[0].price_now) == (1, 16)
        assert (shown.sessions[1].seats_left, shown.seats_left) == (0, 0)
        buy(student, first)
        shown = course_for(student, course.pk)
        assert (shown.sessions[0].seats_left, shown.seats_left) == (0, 0)
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        assert broken() == {}
        with pytest.raises(SoldOut):
            enroll(student_with_credit(), course)
        enroll(student, course)

    def test_nor_counts_it_twice_when_seats_are_taken_away(self):
        course, student = make_course(), student_with_credit()
        first = sessions_of(course)[0]
        returned(student, course, first)
        buy(student, first)
        buy(student_with_credit(), first)
        with pytest.raises(SeatsTaken) as refusal:
            change_course(course_id=course.pk, actor=course.teacher, max_students=1)
        assert refusal.value.details == {"taken": 2}

    def test_a_cancelled_seat_is_free_again(self):
        course, student = make_course(max_students=1), student_with_credit()
        enrollment = enroll(student, course)
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        enroll(student_with_credit(), course)
        assert students_in(course) == 1


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
