"""When buying is refused: what is not for sale, had already, or sold out."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from common.errors import NotFound
from courses.services import archive_course
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyPurchased,
    IncludedInEnrollment,
    NotForSale,
    OwnCourse,
    SeatsTaken,
    SessionStarted,
    SoldOut,
)
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, change_course
from enrollments.shop.course import course_for
from payments.wallets import balances_of
from tests.enrollments.buying import buy, enroll, returned, sessions_of, students_in
from tests.factories import StaffFactory, make_course, start_session, student_with_credit

pytestmark = pytest.mark.django_db


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
