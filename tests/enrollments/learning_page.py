"""My learning, and on which of its shelves something stands."""

import pytest
from django.urls import reverse
from django.utils import timezone

from common.transactions import operation
from payments.models import PaymentHold
from payments.services.holds import Verdict, lock_pending_parts, settle_parts
from tests.factories import student_with_credit

PAGE = "/learning/"
SHELVES = {"upcoming", "past", "cancelled"}


@pytest.fixture
def student():
    return student_with_credit("5000.00", time_zone="Europe/Madrid")


@pytest.fixture
def browser(client, student):
    client.force_login(student)
    return client


def bookings(browser, show="") -> list:
    return browser.get(PAGE, {"show": show}).context["bookings"]


def shelf_of(browser, booked) -> str:
    """The only shelf that something booked stands on."""
    found = {show for show in SHELVES if booked in [b.bought for b in bookings(browser, show)]}
    assert len(found) == 1
    return found.pop()


def text_of(browser, show="") -> str:
    return " ".join(browser.get(PAGE, {"show": show}).content.decode().split())


def first_session(course):
    return course.sessions.order_by("session_number").first()


def money_of(browser, enrollment) -> str:
    """The page with the timeline of an enrolment, to which its link leads."""
    way = reverse("enrollments:timeline", args=[enrollment.pk])
    assert any(f'href="{way}"' in text_of(browser, show) for show in SHELVES)
    return " ".join(browser.get(way).content.decode().split())


@operation
def settle(session, status, reason) -> None:
    pending = lock_pending_parts(*PaymentHold.objects.filter(parts__session=session))
    due = [part for part in pending if part.session_id == session.pk]
    verdicts = [Verdict(part, status, reason) for part in due]
    settle_parts(verdicts, pending=pending, now=timezone.now(), actor=None)
