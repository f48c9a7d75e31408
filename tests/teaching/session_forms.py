"""The form of a session as teachers fill it in, and people who buy it."""

from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from courses.models import Course, CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from tests.factories import DAY, make_course, student_with_credit

MADRID = ZoneInfo("Europe/Madrid")


@pytest.fixture
def course(teacher) -> Course:
    return make_course(teacher=teacher, sessions=2)


@pytest.fixture
def first(course) -> CourseSession:
    return course.sessions.first()


def local(moment: datetime) -> str:
    """As the browser's field for a date and time sends it."""
    return f"{moment.astimezone(MADRID):%Y-%m-%dT%H:%M}"


def typed(**changes) -> dict:
    body = {
        "title": "Hola",
        "description": "",
        "starts_at": local(timezone.now() + 9 * DAY),
        "duration_minutes": "45",
        "idempotency_key": str(uuid4()),
    }
    return body | changes


def enrol(course: Course, **who):
    student = student_with_credit(**who)
    return student, enroll_full_course(student=student, course_id=course.pk)


def buy(session: CourseSession, **who):
    student = student_with_credit(**who)
    return student, purchase_session(student=student, session_id=session.pk)
