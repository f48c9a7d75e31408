"""A course that changes after a buyer has read it, and before the seat is theirs."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from courses.services import archive_course
from enrollments import queries
from enrollments.errors import NotForSale, PriceChanged, SoldOut
from enrollments.services import timetable
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session, change_course, move_session
from enrollments.services.timetable import add_session
from payments.models import HoldPart
from tests.balances import balance
from tests.concurrency.racing import kinds, race
from tests.factories import extend_course, make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def course():
    return make_course(sessions=4, price_full_course="100.00")


@pytest.fixture
def student():
    return student_with_credit("500.00")


@pytest.fixture
def meanwhile(monkeypatch):
    """What another connection does once the buyer has read the course; how often that was."""
    readings = []

    def happens(act):
        read = queries.sessions_on_offer

        def read_and_wait(course):
            sessions = read(course)
            readings.append(sessions)
            if len(readings) == 1:
                [outcome] = race(act)
                if isinstance(outcome, Exception):
                    raise outcome
            return sessions

        monkeypatch.setattr(queries, "sessions_on_offer", read_and_wait)
        return readings

    return happens


def enroll(student, course, **expected):
    return enroll_full_course(student=student, course_id=course.pk, **expected)


def parts_of(enrollment):
    return HoldPart.objects.filter(hold__enrollment=enrollment)


def test_a_session_that_was_added_is_theirs(course, student, meanwhile, broken):
    later = timezone.now() + timedelta(days=90)
    terms = {"title": "One more", "starts_at": later, "duration_minutes": 60}
    readings = meanwhile(lambda: add_session(course_id=course.pk, actor=course.teacher, **terms))
    enrollment = enroll(student, course)
    assert len(readings) == 2
    assert parts_of(enrollment).count() == 5
    assert broken() == {}


def test_a_session_that_was_called_off_is_not_sold(course, student, meanwhile, broken):
    session = course.sessions.first()
    meanwhile(lambda: cancel_session(session_id=session.pk, actor=course.teacher))
    enrollment = enroll(student, course)
    assert not parts_of(enrollment).filter(session=session).exists()
    assert enrollment.total_price_paid == Decimal("100.00")
    assert parts_of(enrollment).count() == 3
    assert broken() == {}


def test_a_session_that_was_moved_is_sold_where_it_is(course, student, meanwhile):
    session = course.sessions.first()
    start = timezone.now() + timedelta(days=60)
    meanwhile(
        lambda: move_session(
            session_id=session.pk, actor=course.teacher, starts_at=start, duration_minutes=60
        )
    )
    assert parts_of(enroll(student, course)).get(session=session).sold_starts_at == start


def test_the_price_is_that_of_the_moment(course, student, meanwhile, broken):
    dearer = {"price_full_course": Decimal("200.00")}
    meanwhile(lambda: change_course(course_id=course.pk, actor=course.teacher, **dearer))
    with pytest.raises(PriceChanged):
        enroll(student, course, expected_price=Decimal("100.00"))
    assert balance(student) == 500
    assert enroll(student, course).total_price_paid == 200
    assert broken() == {}


def test_a_course_that_was_archived_is_not_sold(course, student, meanwhile, broken):
    meanwhile(lambda: archive_course(course_id=course.pk, actor=course.teacher))
    with pytest.raises(NotForSale):
        enroll(student, course)
    assert broken() == {}


def test_an_own_single_is_folded_in(course, student, meanwhile, broken):
    single = course.sessions.first()
    readings = meanwhile(lambda: purchase_session(student=student, session_id=single.pk))
    enroll(student, course)
    assert len(readings) == 1
    assert balance(student) == 400
    assert broken() == {}


def test_the_last_seat_of_a_session_is_sold_once(student, meanwhile, broken):
    course = make_course(sessions=2, max_students=1)
    session, other = course.sessions.first(), student_with_credit("100.00")
    meanwhile(lambda: purchase_session(student=other, session_id=session.pk))
    with pytest.raises(SoldOut):
        enroll(student, course)
    assert balance(student) == 500
    assert broken() == {}


def test_of_one_version_they_pay_for_what_is_called_off(course, student, meanwhile, monkeypatch):
    """The race is real: a change that makes no other version of the course is not seen."""
    monkeypatch.setattr("courses.services.save_terms", lambda course, *names: None)
    session = course.sessions.first()
    meanwhile(lambda: cancel_session(session_id=session.pk, actor=course.teacher))
    assert parts_of(enroll(student, course)).filter(session=session).exists()


def test_two_who_add_the_last_session_add_one(course, settings):
    settings.MAX_SESSIONS_PER_COURSE = 5
    assert kinds(race(*[partial(add_to, course)] * 2)) == {"CourseSession": 1, "TooManySessions": 1}
    assert course.sessions.count() == 5


def test_without_the_lock_only_the_number_is_refused(course, settings, without_locks, meeting):
    """Its session numbers are unique: a teacher would see a crash."""
    settings.MAX_SESSIONS_PER_COURSE = 5
    meeting().after(timetable, "next_number")
    assert kinds(race(*[partial(add_to, course)] * 2)) == {"CourseSession": 1, "IntegrityError": 1}


def add_to(course):
    return extend_course(course, starts_at=timezone.now() + timedelta(days=90))
