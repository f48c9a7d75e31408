"""Sessions that took place, and what settling them did."""

from datetime import timedelta

import pytest

from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from settlement.services.settling import Tally, settle_all
from tests.conversations import attend
from tests.factories import end_session, make_course, student_with_credit

HOUR = timedelta(hours=1)


@pytest.fixture
def student():
    return student_with_credit("100.00")


@pytest.fixture
def course():
    return make_course()


@pytest.fixture
def teacher(course):
    return course.teacher


@pytest.fixture
def session(course):
    return course.sessions.first()


@pytest.fixture
def purchase(student, session):
    return purchase_session(student=student, session_id=session.pk)


@pytest.fixture
def enrollment(student, course):
    return enroll_full_course(student=student, course_id=course.pk)


def settle() -> Tally:
    return sum(settle_all(), Tally())


def take_place(session, *people, minutes=60.0):
    """It is over, and the grace too; these people were there for so long."""
    end_session(session, ago=HOUR)
    return attend(session, *people, minutes=minutes)


def fresh(row):
    return type(row).objects.get(pk=row.pk)
