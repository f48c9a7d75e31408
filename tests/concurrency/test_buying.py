"""Many buy at once: each race, and its twin without what guards it."""

from collections import Counter
from decimal import Decimal
from threading import Barrier, Event

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from rest_framework.test import APIClient

from accounts.tokens import open_family
from courses.models import Course
from enrollments import queries
from enrollments.errors import AlreadyEnrolled, AlreadyPurchased
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services import enrolling, purchasing
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.models import LedgerAccount
from payments.services import ledger
from tests.balances import balance
from tests.concurrency.racing import TIMEOUT_SECONDS, kinds, race, wait_until_waiting
from tests.factories import give_credit, make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

CROWD = 100
SEATS = 5


def enroll(student, course):
    return lambda: enroll_full_course(student=student, course_id=course.pk)


def purchase(student, session):
    return lambda: purchase_session(student=student, session_id=session.pk)


def post_enroll(student, course):
    access = open_family(student)["access"]

    def post():
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {access}", HTTP_IDEMPOTENCY_KEY="buy")
        answer = client.post(f"/api/enrollments/courses/{course.pk}")
        return answer.status_code, answer.json().get("code")

    return post


def test_a_hundred_students_race_for_five_seats(retried, broken):
    course = make_course(max_students=SEATS)
    crowd = [student_with_credit("100.00") for _ in range(CROWD)]
    answers = Counter(race(*(post_enroll(student, course) for student in crowd)))
    assert answers == {(201, None): SEATS, (409, "sold_out"): CROWD - SEATS}
    assert retried == []
    course.refresh_from_db()
    assert course.current_students == SEATS == CourseEnrollment.objects.live().count()
    assert broken() == {}


def test_seats_counted_first_and_written_later_are_oversold(monkeypatch, broken):
    """The race is real: without the condition in the UPDATE everybody finds a seat."""
    course = make_course(max_students=SEATS)
    crowd = [student_with_credit("100.00") for _ in range(SEATS + 5)]
    everybody_has_looked = Barrier(len(crowd))

    def add_student(course_id, version):
        seen = Course.objects.get(pk=course_id)
        everybody_has_looked.wait(TIMEOUT_SECONDS)
        Course.objects.filter(pk=course_id).update(current_students=seen.current_students + 1)
        return seen.current_students < seen.max_students

    monkeypatch.setattr(queries, "add_student", add_student)
    assert kinds(race(*(enroll(student, course) for student in crowd))) == {
        "CourseEnrollment": len(crowd)
    }
    assert "I7" in broken()


def test_money_for_one_of_twenty_courses_buys_one(retried, broken):
    student = student_with_credit("100.00")
    courses = [make_course(sessions=2) for _ in range(20)]
    outcomes = race(*(enroll(student, course) for course in courses))
    assert kinds(outcomes) == {"CourseEnrollment": 1, "InsufficientCredit": 19}
    assert retried == []
    assert balance(student) == 0
    assert broken() == {}


def test_who_lacks_credit_and_a_clerk_who_gives_some_take_turns(monkeypatch, retried, broken):
    """The database keeps a row locked that was waited for, even if it is not what was asked for."""
    student, course = student_with_credit("1.00"), make_course()
    held, tried, lock = Event(), Event(), ledger._lock_accounts

    def hold():
        with transaction.atomic():
            LedgerAccount.objects.select_for_update().get(owner=student, kind="wallet")
            held.set()
            wait_until_waiting(1)

    def buy():
        assert held.wait(TIMEOUT_SECONDS)
        enroll_full_course(student=student, course_id=course.pk)

    def grant():
        assert tried.wait(TIMEOUT_SECONDS)
        give_credit(student, "5.00")

    def lock_once_the_clerk_waits(*which):
        if not tried.is_set():
            tried.set()
            wait_until_waiting(1)
        return lock(*which)

    monkeypatch.setattr(ledger, "_lock_accounts", lock_once_the_clerk_waits)
    assert kinds(race(hold, buy, grant)) == {"InsufficientCredit": 1, "NoneType": 2}
    assert retried == []
    assert balance(student) == 6
    assert broken() == {}


def test_without_the_lock_money_for_one_course_buys_all(without_locks, meeting, broken):
    """The race is real: everybody reads the same balance, and the last write hides the others."""
    student = student_with_credit("100.00")
    courses = [make_course(sessions=2) for _ in range(4)]
    meeting(4).before(ledger, "_change_balances")
    outcomes = race(*(enroll(student, course) for course in courses))
    assert kinds(outcomes) == {"CourseEnrollment": 4}
    assert "I1" in broken()


def test_a_relative_write_without_the_lock_meets_the_check(without_locks, monkeypatch, meeting):
    """Nor would F() do: the student would see a bare error of the database."""
    student = student_with_credit("100.00")
    courses = [make_course(sessions=2) for _ in range(4)]

    def change(accounts, entries, lent):
        for entry in entries:
            LedgerAccount.objects.filter(pk=accounts[entry.debit].pk).update(
                balance=F("balance") - entry.amount
            )

    monkeypatch.setattr(ledger, "_change_balances", change)
    meeting(4).before(ledger, "_change_balances")
    outcomes = race(*(enroll(student, course) for course in courses))
    refused = kinds(outcomes)
    assert refused["CourseEnrollment"] == 1
    assert refused["IntegrityError"] + refused["Unavailable"] == 3


def test_one_student_gets_one_course_once(retried, broken):
    student, course = student_with_credit("500.00"), make_course()
    outcomes = race(*[enroll(student, course)] * 8)
    assert kinds(outcomes) == {"CourseEnrollment": 1, "AlreadyEnrolled": 7}
    assert retried == []
    assert balance(student) == 400
    assert broken() == {}


def test_only_the_database_knows_that_the_course_is_theirs(meeting):
    """The race is real: both find no enrolment, and the unique constraint decides."""
    student, course = student_with_credit("500.00"), make_course()
    meeting().before(enrolling, "_take_seat")
    outcomes = race(*[enroll(student, course)] * 2)
    [refusal] = [outcome for outcome in outcomes if isinstance(outcome, AlreadyEnrolled)]
    assert isinstance(refusal.__cause__, IntegrityError)


def test_one_student_gets_one_session_once(retried, broken):
    student, course = student_with_credit("500.00"), make_course()
    outcomes = race(*[purchase(student, course.sessions.first())] * 8)
    assert kinds(outcomes) == {"SessionPurchase": 1, "AlreadyPurchased": 7}
    assert not any(isinstance(outcome, Exception) and outcome.__cause__ for outcome in outcomes)
    assert retried == []
    assert balance(student) == 484
    assert broken() == {}


def test_without_the_lock_the_database_refuses_the_session(without_locks, meeting):
    """The race is real: both find it free, and only the unique constraint is left."""
    student, course = student_with_credit("500.00"), make_course()
    meeting().before(purchasing, "_insert_purchase")
    outcomes = race(*[purchase(student, course.sessions.first())] * 2)
    [refusal] = [outcome for outcome in outcomes if isinstance(outcome, AlreadyPurchased)]
    assert isinstance(refusal.__cause__, IntegrityError)


def test_the_last_seat_of_a_session_is_sold_once(retried, broken):
    course = make_course(max_students=1)
    crowd = [student_with_credit("16.00") for _ in range(8)]
    outcomes = race(*(purchase(student, course.sessions.first()) for student in crowd))
    assert kinds(outcomes) == {"SessionPurchase": 1, "SoldOut": 7}
    assert retried == []
    assert broken() == {}


def test_without_the_lock_the_last_seat_of_a_session_is_sold_twice(without_locks, meeting, broken):
    course = make_course(max_students=1)
    crowd = [student_with_credit("16.00") for _ in range(2)]
    meeting().before(purchasing, "_insert_purchase")
    outcomes = race(*(purchase(student, course.sessions.first()) for student in crowd))
    assert kinds(outcomes) == {"SessionPurchase": 2}
    assert "I7" in broken()


def test_a_course_and_one_of_its_sessions_are_paid_once(retried, broken):
    """Whichever comes first: the session is folded into the course, or refused."""
    for _ in range(5):
        student, course = student_with_credit("500.00"), make_course()
        outcomes = race(enroll(student, course), purchase(student, course.sessions.first()))
        assert kinds(outcomes)["CourseEnrollment"] == 1
        assert kinds(outcomes)["SessionPurchase"] + kinds(outcomes)["IncludedInEnrollment"] == 1
        assert not SessionPurchase.objects.of(student).live().exists()
        assert balance(student) == 400
    assert retried == []
    assert broken() == {}


def test_without_the_lock_the_session_is_paid_twice(without_locks, meeting):
    student, course = student_with_credit("500.00"), make_course()
    both = meeting()
    both.before(enrolling, "_insert_enrollment")
    both.before(purchasing, "_insert_purchase")
    outcomes = race(enroll(student, course), purchase(student, course.sessions.first()))
    assert kinds(outcomes) == {"CourseEnrollment": 1, "SessionPurchase": 1}
    assert balance(student) == Decimal("384.00")
