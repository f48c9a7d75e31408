"""What is given back, while something else happens to it: each race, and its twin."""

from decimal import Decimal
from functools import partial

import pytest
from django.db import transaction

from common.locks import Rank, take
from courses.models import Course, CourseSession
from enrollments import queries
from enrollments.locks import give_seat_back
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services import enrolling, lifecycle, purchasing, sessions
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, change_course, refund_cancelled_session
from payments.models import HoldPart
from payments.services import ledger
from tests.balances import balance
from tests.concurrency.racing import kinds, race
from tests.factories import give_credit, make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def enroll(student, course):
    return lambda: enroll_full_course(student=student, course_id=course.pk)


def purchase(student, session):
    return lambda: purchase_session(student=student, session_id=session.pk)


def cancel(booking):
    if isinstance(booking, CourseEnrollment):
        return lambda: cancel_enrollment(student=booking.user, enrollment_id=booking.pk)
    return lambda: cancel_session_purchase(student=booking.user, purchase_id=booking.pk)


def call_off(session):
    return lambda: cancel_session(session_id=session.pk, actor=session.course.teacher)


def change(course, **changes):
    return lambda: change_course(course_id=course.pk, actor=course.teacher, **changes)


@pytest.fixture
def student():
    return student_with_credit("100.00")


@pytest.fixture
def course():
    return make_course()


@pytest.fixture
def session(course):
    return course.sessions.first()


def test_an_enrollment_is_cancelled_once(student, course, retried, broken):
    enrollment = enroll(student, course)()
    outcomes = race(*[cancel(enrollment)] * 8)
    assert kinds(outcomes) == {"Cancellation": 1, "AlreadyCancelled": 7}
    assert balance(student) == 100
    assert retried == []
    assert broken() == {}


def test_cancelling_what_was_read_before_the_lock_frees_two_seats(
    student, course, monkeypatch, meeting, broken
):
    """The race is real: both believe in the row that they read first."""
    enroll(student_with_credit("100.00"), course)()
    enrollment = enroll(student, course)()

    def free_seat_of(enrollment_id, student):
        read = enrolling.find_enrollment(student, enrollment_id)
        give_seat_back(read)
        for rank, row in ((Rank.BOOKING, read), (Rank.HOLD, read.hold)):
            take(rank, row.pk)
        return read

    monkeypatch.setattr(enrolling, "free_seat_of", free_seat_of)
    meeting().after(enrolling, "find_enrollment")
    assert kinds(race(*[cancel(enrollment)] * 2)) == {"Cancellation": 2}
    assert "I7" in broken()


def test_a_seat_is_freed_without_waiting_for_its_enrollment(student, course, interruption):
    """Who has locked an enrolment may wait for its course: the other way would be a deadlock."""
    enrollment = enroll(student, course)()

    def free():
        with transaction.atomic():
            queries.lock_enrollments([enrollment.pk])
            interruption.wait()

    seat = partial(queries.remove_student_of, enrollment.pk, student.pk)
    assert race(free, interruption.by(seat)) == [None, 1]


def test_a_purchase_is_cancelled_once(student, session, retried, broken):
    outcomes = race(*[cancel(purchase(student, session)())] * 8)
    assert kinds(outcomes) == {"Cancellation": 1, "AlreadyCancelled": 7}
    assert balance(student) == 100
    assert retried == []
    assert broken() == {}


def test_without_the_lock_the_database_refuses_the_second_refund(
    student, session, without_locks, meeting
):
    bought = purchase(student, session)()
    meeting().after(lifecycle, "lock_pending_parts")
    assert kinds(race(*[cancel(bought)] * 2)) == {"Cancellation": 1, "IntegrityError": 1}


def test_the_last_seat_goes_to_the_next_or_stays_free(student, retried, broken):
    for _ in range(5):
        course = make_course(max_students=1)
        enrollment = enroll(student, course)()
        outcomes = race(cancel(enrollment), enroll(student_with_credit("100.00"), course))
        assert kinds(outcomes)["Cancellation"] == 1
        bought = kinds(outcomes)["CourseEnrollment"]
        assert bought + kinds(outcomes)["SoldOut"] == 1
        course.refresh_from_db()
        assert course.current_students == bought
    assert balance(student) == 100
    assert retried == []
    assert broken() == {}


def test_a_seat_counted_before_the_lock_forgets_the_cancellation(
    student, monkeypatch, interruption, broken
):
    """The race is real: the buyer writes a count that was true before the other one left."""
    course = make_course(max_students=2)
    enrollment = enroll(student, course)()

    def add_student(course_id, version):
        seen = Course.objects.get(pk=course_id).current_students
        interruption.wait()
        return Course.objects.filter(pk=course_id).update(current_students=seen + 1)

    monkeypatch.setattr(queries, "add_student", add_student)
    outcomes = race(
        interruption.by(cancel(enrollment)), enroll(student_with_credit("100.00"), course)
    )
    assert kinds(outcomes) == {"Cancellation": 1, "CourseEnrollment": 1}
    assert "I7" in broken()


def test_credit_granted_while_buying_is_not_lost(student, course, retried, broken):
    outcomes = race(enroll(student, course), *[lambda: give_credit(student, "1.00")] * 7)
    assert kinds(outcomes) == {"CourseEnrollment": 1, "NoneType": 7}
    assert balance(student) == 7
    assert retried == []
    assert broken() == {}


def test_without_the_lock_it_is(student, course, without_locks, meeting, broken):
    meeting().before(ledger, "_change_balances")
    race(enroll(student, course), lambda: give_credit(student, "1.00"))
    assert "I1" in broken()


def test_a_price_is_the_one_at_the_time_of_the_sale(student, retried, broken):
    for _ in range(5):
        course = make_course()
        session = course.sessions.first()
        bought, changed = race(
            purchase(student, session), change(course, price_per_session=Decimal(20))
        )
        earlier = bought.purchased_at < changed.updated_at
        assert bought.price_paid == (Decimal(16) if earlier else Decimal(20))
    assert retried == []
    assert broken() == {}


def test_without_the_lock_the_old_price_is_asked_after_the_change(
    student, course, session, without_locks, interruption, monkeypatch
):
    monkeypatch.setattr(purchasing, "_lock_course_of", _read_early(interruption))
    bought, _ = race(
        purchase(student, session),
        interruption.by(change(course, price_per_session=Decimal(20))),
    )
    course.refresh_from_db()
    assert bought.price_paid == 16
    assert bought.purchased_at > course.updated_at


def _read_early(interruption):
    def read(student, session_id):
        [on_sale] = queries.session_for_purchase(session_id, student.pk)
        interruption.wait()
        return on_sale

    return read


def test_nobody_pays_another_price_than_expected(student, retried, broken):
    for _ in range(5):
        course = make_course(price_full_course="10.00")
        outcomes = race(
            lambda c=course: enroll_full_course(
                student=student, course_id=c.pk, expected_price=Decimal(10)
            ),
            change(course, price_full_course=Decimal(20)),
        )
        assert kinds(outcomes)["CourseEnrollment"] + kinds(outcomes)["PriceChanged"] == 1
    sold = CourseEnrollment.objects.live().values_list("total_price_paid", flat=True)
    assert set(sold) <= {Decimal(10)}
    assert retried == []
    assert broken() == {}


def test_capacity_is_not_lowered_below_what_is_sold(student, retried, broken):
    for _ in range(5):
        course = make_course(sessions=1, max_students=2, price_full_course="10.00")
        enroll(student, course)()
        outcomes = race(
            enroll(student_with_credit("100.00"), course), change(course, max_students=1)
        )
        done = kinds(outcomes)
        assert done in (
            {"CourseEnrollment": 1, "SeatsTaken": 1},
            {"SoldOut": 1, "Course": 1},
        )
    assert retried == []
    assert broken() == {}


def test_without_the_lock_the_database_refuses_the_capacity(student, without_locks, interruption):
    course = make_course(max_students=2)
    enroll(student, course)()
    interruption.after(sessions, "_check_capacity")
    outcomes = race(
        interruption.by(enroll(student_with_credit("100.00"), course)),
        change(course, max_students=1),
    )
    assert kinds(outcomes) == {"CourseEnrollment": 1, "IntegrityError": 1}


def test_a_session_called_off_is_not_sold(student, retried, broken):
    for _ in range(5):
        session = make_course().sessions.first()
        outcomes = race(purchase(student, session), call_off(session))
        assert kinds(outcomes)["CourseSession"] == 1
        assert kinds(outcomes)["SessionPurchase"] + kinds(outcomes)["NotForSale"] == 1
        assert not SessionPurchase.objects.live().filter(session=session).exists()
    assert balance(student) == 100
    assert retried == []
    assert broken() == {}


def test_without_the_lock_it_is_and_nobody_refunds_it(
    student, session, without_locks, interruption
):
    interruption.before(purchasing, "_insert_purchase")
    race(purchase(student, session), interruption.by(call_off(session)))
    assert CourseSession.objects.get(pk=session.pk).status == "cancelled"
    assert HoldPart.objects.filter(session=session, status="pending").exists()
    assert balance(student) == 84


def test_a_course_bought_while_a_session_is_called_off_pays_for_the_others(retried, broken):
    for _ in range(5):
        student, session = student_with_credit("100.00"), make_course().sessions.first()
        outcomes = race(enroll(student, session.course), call_off(session))
        assert kinds(outcomes) == {"CourseEnrollment": 1, "CourseSession": 1}
        assert not HoldPart.objects.filter(session=session, status="pending").exists()
    assert retried == []
    assert broken() == {}


def test_a_session_is_called_off_once(student, course, session, retried, broken):
    enroll(student, course)()
    other = student_with_credit("100.00")
    purchase(other, session)()
    outcomes = race(*[call_off(session)] * 4)
    assert kinds(outcomes) == {"CourseSession": 4}
    assert balance(other) == 100
    assert balance(student) == Decimal("14.28")
    assert retried == []
    assert broken() == {}


def test_a_single_is_refunded_while_somebody_holds_its_course(student, session, retried):
    """Refunds lock no course: what waited for it here could be waited for by its holder."""
    purchase(student, session)()
    CourseSession.objects.filter(pk=session.pk).update(status="cancelled")
    with transaction.atomic():
        assert list(Course.objects.filter(pk=session.course_id).locked())
        assert race(lambda: refund_cancelled_session(session, actor=None)) == [1]
    assert retried == []


def test_without_the_lock_the_database_refuses_to_refund_it_twice(
    student, session, without_locks, meeting
):
    purchase(student, session)()
    meeting().after(lifecycle, "lock_pending_parts")
    outcomes = race(*[call_off(session)] * 2)
    assert kinds(outcomes) == {"CourseSession": 1, "IntegrityError": 1}


def test_called_off_and_cancelled_at_once_it_is_refunded_once(retried, broken):
    for _ in range(5):
        student, session = student_with_credit("100.00"), make_course().sessions.first()
        enrollment = enroll(student, session.course)()
        outcomes = race(cancel(enrollment), call_off(session))
        assert kinds(outcomes) == {"Cancellation": 1, "CourseSession": 1}
        assert balance(student) == 100
    assert retried == []
    assert broken() == {}


def test_without_the_lock_the_database_refuses_the_other_refund(
    student, course, session, without_locks, meeting
):
    enrollment = enroll(student, course)()
    meeting().after(lifecycle, "lock_pending_parts")
    assert kinds(race(cancel(enrollment), call_off(session)))["IntegrityError"] == 1


def test_one_who_cancels_and_buys_again_and_again_loses_nothing(student, course, retried, broken):
    def again():
        done = []
        for _ in range(5):
            for call in (enroll(student, course), cancel_all):
                try:
                    done.append(call())
                except Exception as error:
                    done.append(error)
        return done

    def cancel_all():
        for enrollment in CourseEnrollment.objects.of(student).live():
            cancel(enrollment)()

    outcomes = [outcome for done in race(again, again) for outcome in done]
    assert set(kinds(outcomes)) <= {
        "CourseEnrollment",
        "AlreadyEnrolled",
        "AlreadyCancelled",
        "NoneType",
    }
    cancel_all()
    course.refresh_from_db()
    assert course.current_students == 0
    assert balance(student) == 100
    assert retried == []
    assert broken() == {}
