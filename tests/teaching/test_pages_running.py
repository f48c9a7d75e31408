"""A session that runs says so wherever it is named, and neither before nor afterwards."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from enrollments.services.purchasing import purchase_session
from payments.models import PaymentHold
from teaching.services import write_to_students
from tests.factories import (
    StaffFactory,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)

PAGES = {
    "student": {
        "enrollments:catalogue": "",
        "enrollments:course": "course",
        "enrollments:learning": "",
        "enrollments:cancel_purchase": "purchase",
        "enrollments:room": "session",
        "enrollments:room_after": "session",
        "notices:notices": "",
        "payments:credit": "",
        "payments:receipt": "hold",
    },
    "teacher": {
        "teaching:courses": "",
        "teaching:course": "course",
        "teaching:roster": "session",
        "teaching:write_about_session": "session",
        "enrollments:room": "session",
        "enrollments:room_after": "session",
        "payments:earnings": "",
    },
    "staff": {"admin:payments_paymenthold_change": "hold"},
}


@pytest.fixture
def things():
    """A course whose first session somebody has booked, and whose teacher has written to them."""
    course, student = make_course(sessions=2), student_with_credit()
    session = course.sessions.earliest("session_number")
    purchase = purchase_session(student=student, session_id=session.pk)
    write_to_students(
        actor=course.teacher, course_id=course.pk, session_id=session.pk, text="Bring a pen."
    )
    hold = PaymentHold.objects.get()
    people = {"student": student, "teacher": course.teacher}
    return {"course": course, "session": session, "purchase": purchase, "hold": hold, **people}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, pages in PAGES.items() for name in pages]
)
def test_it_is_said_while_it_runs_alone(things, kind, name):
    session, thing = things["session"], PAGES[kind][name]
    browser = Client()
    browser.force_login(things.get(kind) or StaffFactory(is_superuser=True))
    path = reverse(name, args=[things[thing].pk] if thing else [])

    def is_said() -> bool:
        answer = browser.get(path)
        assert answer.status_code == 200
        return "running now" in answer.text.lower()

    said = []
    for move in (
        lambda: start_session(session, ago=-HOUR),
        lambda: start_session(session),
        lambda: end_session(session),
    ):
        move()
        said.append(is_said())
    assert said == [False, True, False]
