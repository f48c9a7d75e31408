"""The page of a course, and what happens to the course and to its reader."""

import pytest

from courses.models import Course, CourseSession
from courses.services import archive_course
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session, move_session
from tests.factories import DAY, end_session, make_course, start_session, student_with_credit


@pytest.fixture
def student():
    return student_with_credit("200.00", time_zone="Europe/Berlin")


@pytest.fixture
def course():
    return make_course(sessions=4, price_full_course="80.00", price_per_session="24.00")


def look(client, course: Course, reader=None):
    if reader:
        client.force_login(reader)
    return client.get(f"/courses/{course.pk}/")


def of_course(page) -> tuple[str, str, str]:
    offer = page.context["offer"]
    return offer.state, offer.badge or offer.label, offer.reason


def of_session(page, number: int = 1):
    return page.context["sessions"][number - 1][1]


def session(course: Course, number: int = 1) -> CourseSession:
    return course.sessions.get(session_number=number)


def enroll(student, course):
    return enroll_full_course(student=student, course_id=course.pk)


def buy(student, course, number: int = 1):
    return purchase_session(student=student, session_id=session(course, number).pk)


def start(course, student, number=1):
    start_session(session(course, number))


def end(course, student, number=1):
    end_session(session(course, number))


def archive(course, student):
    archive_course(course_id=course.pk, actor=course.teacher)


def call_off(course, student, number=1):
    cancel_session(session_id=session(course, number).pk, actor=course.teacher)


def move(course, student, number=1, by=DAY, minutes=60):
    moved = session(course, number)
    move_session(
        session_id=moved.pk,
        actor=course.teacher,
        starts_at=moved.starts_at + by,
        duration_minutes=minutes,
    )


def end_all(course, student):
    for number in range(1, 5):
        end(course, student, number)


def call_all_off(course, student):
    for number in range(1, 5):
        call_off(course, student, number)
