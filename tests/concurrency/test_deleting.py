"""A session or a course is deleted while it is being sold: the race, and its twin."""

from functools import partial

import pytest

from enrollments.services import sessions
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import delete_course, delete_session
from payments.models import HoldPart
from tests.concurrency.racing import kinds, race
from tests.factories import make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def enroll(student, session):
    return partial(enroll_full_course, student=student, course_id=session.course_id)


def purchase(student, session):
    return partial(purchase_session, student=student, session_id=session.pk)


def delete(session):
    return partial(delete_session, session_id=session.pk, actor=session.course.teacher)


def delete_all(session):
    course = session.course
    return partial(delete_course, course_id=course.pk, actor=course.teacher)


@pytest.mark.parametrize("buy", [purchase, enroll])
@pytest.mark.parametrize(
    ("erase", "refused"), [(delete, "SessionSold"), (delete_all, "CourseSold")]
)
def test_it_is_sold_or_deleted(erase, refused, buy, retried, broken):
    """Whichever comes first: nobody pays for what is gone."""
    student = student_with_credit("500.00")
    for _ in range(5):
        session = make_course(sessions=1).sessions.get()
        bought, deleted = race(buy(student, session), erase(session))
        if HoldPart.objects.filter(session=session.pk).exists():
            assert type(deleted).__name__ == refused
        else:
            assert (deleted, type(bought).__name__) in [(None, "NotFound"), (None, "NotForSale")]
    assert retried == []
    assert broken() == {}


@pytest.mark.parametrize(
    ("erase", "asked"), [(delete, "was_sold"), (delete_all, "was_course_sold")]
)
def test_without_the_lock_the_database_has_to_keep_what_is_sold(
    erase, asked, without_locks, interruption
):
    """The race is real: it was unsold when the teacher asked, who sees a crash."""
    student, session = student_with_credit("100.00"), make_course().sessions.first()
    interruption.after(sessions, asked)
    outcomes = race(interruption.by(purchase(student, session)), erase(session))
    assert kinds(outcomes) == {"SessionPurchase": 1, "ProtectedError": 1}
