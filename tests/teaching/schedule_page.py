"""A course in December, and the page that plans its sessions."""

from datetime import UTC, datetime

import pytest
import time_machine

from tests.factories import TeacherFactory, make_course
from tests.forms import shown
from tests.teaching.pages import at

MADRID = "Europe/Madrid"
pages = pytest.mark.django_db


@pytest.fixture
def _in_december():
    with time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def teacher(_in_december):
    return TeacherFactory(time_zone=MADRID)


@pytest.fixture
def course(teacher):
    return make_course(teacher=teacher, sessions=0, published=False)


def plan(browser, course, **typed):
    form = shown(browser.get(at("schedule", course)))
    return browser.post(at("schedule", course), form | typed)


def send(browser, course, page, step="add", **changes):
    return browser.post(at("schedule", course), shown(page) | {"step": step} | changes)


def starts_in(course) -> list[datetime]:
    return list(course.sessions.order_by("starts_at").values_list("starts_at", flat=True))


THE_COURSE = {
    "first": "2027-01-12",
    "day_1": "18:00",
    "day_3": "18:00",
    "last": "2027-04-15",
    "skipped": "16 Feb",
}
