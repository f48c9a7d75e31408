"""What staff send in the admin for courses and sessions, and a course that is sold."""

from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from courses.models import Course
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from tests.factories import StaffFactory, make_course, student_with_credit

COURSES = "/admin/courses/course/"
SESSIONS = "/admin/courses/coursesession/"
CALL_OFF = f"{SESSIONS}decide/cancel_and_refund/"


@pytest.fixture
def browser(client):
    client.force_login(StaffFactory())
    return client


def form_of(course: Course | None = None, *sessions: dict, **changes) -> dict:
    """What the page sends for a course, with new `sessions` below those that are there."""
    there = list(course.sessions.all()) if course else []
    body = {
        "title": "Spanish to go",
        "description": "",
        "language": "Spanish",
        "level": "beginner",
        "category": "Languages",
        "price_full_course": "100.00",
        "price_per_session": "16.00",
        "max_students": "",
        "sessions-TOTAL_FORMS": len(there) + len(sessions),
        "sessions-INITIAL_FORMS": len(there),
    }
    for row, session in enumerate(there):
        body[f"sessions-{row}-id"] = session.pk
        body[f"sessions-{row}-course"] = course.pk
    for row, session in enumerate(sessions, start=len(there)):
        body |= {f"sessions-{row}-{name}": value for name, value in session.items()}
    return body | changes


def new_session(in_days: int = 1) -> dict:
    starts_at = timezone.now() + timedelta(days=in_days)
    return {
        "title": "Hola",
        "description": "",
        "starts_at_0": f"{starts_at:%Y-%m-%d}",
        "starts_at_1": "18:00:00",
        "duration_minutes": "45",
    }


def page_of(course: Course) -> str:
    return f"{COURSES}{course.pk}/change/"


def errors(page) -> str:
    return unescape(str(page.context["errors"]))


def act(browser, where: str, action: str, *rows, **more):
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows]} | more
    return browser.post(where, body, follow=True)


@pytest.fixture
def sold():
    """A course of two sessions: one student has it all, for 50 + 50, another the first for 16."""
    course = make_course(sessions=2)
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    first = course.sessions.first()
    purchase_session(student=student_with_credit(), session_id=first.pk)
    return course
