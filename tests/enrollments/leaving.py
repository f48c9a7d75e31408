"""A room whose door is open, who bought a way in, and what ends it."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from enrollments.services.enrolling import cancel_enrollment, enroll_full_course, hand_back_session
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import change_session
from settlement.services.deciding import refund_hold
from tests.factories import StaffFactory, make_course, start_session
from tests.factories import student_with_credit as new_student

MINUTE = timedelta(minutes=1)
SOON = -5 * MINUTE  # the door opens ten minutes before the start


def soon():
    """A start before which the door is open."""
    return timezone.now() - SOON


@pytest.fixture
def student():
    return new_student("100.00")


@pytest.fixture
def session():
    return make_course().sessions.first()


@pytest.fixture
def teacher(session):
    return session.course.teacher


def poll():
    out = StringIO()
    call_command("poll_rooms", stdout=out)
    return out.getvalue().strip()


def buy_single(student, session):
    bought = purchase_session(student=student, session_id=session.pk)
    start_session(session, ago=SOON)
    return bought


def enroll(student, session):
    bought = enroll_full_course(student=student, course_id=session.course_id)
    start_session(session, ago=SOON)
    return bought


def by_cancelling_a_single(student, session):
    bought = buy_single(student, session)
    return cancel_session_purchase, {"student": student, "purchase_id": bought.pk}


def by_cancelling_the_course(student, session):
    bought = enroll(student, session)
    return cancel_enrollment, {"student": student, "enrollment_id": bought.pk}


def by_handing_it_back(student, session):
    bought = enroll(student, session)
    starts_at = timezone.now() + 6 * MINUTE
    change_session(session_id=session.pk, actor=session.course.teacher, starts_at=starts_at)
    return hand_back_session, {
        "student": student,
        "enrollment_id": bought.pk,
        "session_id": session.pk,
    }


def by_a_refund_of_staff(student, session):
    bought = buy_single(student, session)
    start_session(session)
    return refund_hold, {"hold_id": bought.hold.pk, "actor": StaffFactory(), "reason": "Ill"}


def by_a_refund_of_one_part(student, session):
    bought = enroll(student, session)
    start_session(session)
    part = bought.hold.parts.get(session=session)
    decide = {"hold_id": bought.hold.pk, "actor": StaffFactory(), "reason": "Ill"}
    return refund_hold, decide | {"part_ids": [part.pk]}


ENDINGS = [
    by_cancelling_a_single,
    by_cancelling_the_course,
    by_handing_it_back,
    by_a_refund_of_staff,
    by_a_refund_of_one_part,
]
