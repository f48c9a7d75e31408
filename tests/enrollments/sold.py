"""A course that somebody is enrolled in."""

import pytest

from courses.models import Course, CourseSession
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import enroll_full_course
from tests.factories import access_to, make_course, student_with_credit


@pytest.fixture
def student(db):
    return student_with_credit("500.00")


@pytest.fixture
def course(db) -> Course:
    return make_course()


@pytest.fixture
def first(course) -> CourseSession:
    return course.sessions.get(session_number=1)


@pytest.fixture
def enrollment(student, course) -> CourseEnrollment:
    return enroll_full_course(student=student, course_id=course.pk)


def reason(user, session) -> str:
    return str(access_to(session, user).reason)
