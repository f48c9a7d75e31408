"""When the next session of a course starts: kept for lists, and rolled on as time passes."""

from datetime import datetime, timedelta
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from courses.models import Course
from courses.services import archive_course, roll_next_starts
from enrollments.services.sessions import cancel_session, change_course
from tests.factories import DAY, make_course

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def courses() -> list[Course]:
    """Of two sessions each, a day apart: the first of all starts in one hour, the last in four."""
    starts = [(hours, timedelta(hours=hours)) for hours in (1, 2, 3, 4)]
    return [make_course(title=f"In {n}", sessions=2, starts_in=start) for n, start in starts]


def kept(course: Course) -> datetime | None:
    return Course.objects.get(pk=course.pk).next_starts_at


def found(**query: str) -> list[str]:
    page = Client().get("/", query)
    return [card.listed.course.title for card in page.context["cards"]]


def start_of(course: Course, number: int) -> datetime:
    return course.sessions.get(session_number=number).starts_at


def test_the_job_rolls_on_what_has_passed_and_nothing_else(courses, broken):
    first, second, *_ = courses
    with time_machine.travel(start_of(first, 1)):
        assert roll_next_starts() == 1
        assert roll_next_starts() == 0
        assert kept(first) == start_of(first, 2)
        assert kept(second) == start_of(second, 1)
    with time_machine.travel(start_of(second, 2)):
        assert roll_next_starts() == 4
        assert [kept(course) is None for course in courses] == [True, True, False, False]
        assert broken() == {}


def test_nothing_is_written_while_nothing_has_passed(courses):
    with CaptureQueriesContext(connection) as asked:
        roll_next_starts()
    assert len(asked) == 1


@pytest.mark.both
@pytest.mark.parametrize("rolled", [False, True])
@pytest.mark.parametrize(
    ("order", "then"),
    [
        ("next", ["In 3", "In 4", "In 1", "In 2"]),
        ("newest", ["In 4", "In 3", "In 2", "In 1"]),
        ("title", ["In 1", "In 2", "In 3", "In 4"]),
    ],
)
def test_no_list_shows_or_sorts_by_a_start_that_has_passed(courses, rolled, order, then):
    """Whether the job was there in this minute or not."""
    with time_machine.travel(start_of(courses[1], 1) + MINUTE):
        if rolled:
            roll_next_starts()
        assert found(order=order) == then
        page = Client().get("/")
        shown = {
            card.listed.course: card.listed.next_session_starts_at for card in page.context["cards"]
        }
        assert shown[courses[0]] == start_of(courses[0], 2)
        assert shown[courses[2]] == start_of(courses[2], 1)
        api = {
            row["id"]: row["next_session_starts_at"] for row in Client().get("/api/courses").json()
        }
        assert api[str(courses[0].pk)] == f"{start_of(courses[0], 2):%Y-%m-%dT%H:%M:%S.%fZ}"
    with time_machine.travel(start_of(courses[1], 2) + MINUTE):
        assert sorted(found(order=order)) == ["In 3", "In 4"]


def test_what_has_passed_falls_into_its_place_on_any_page(courses, monkeypatch):
    """Each once, wherever a page ends; the best match first is sorted by it too."""
    monkeypatch.setattr("enrollments.views.catalogue.CARDS_PER_PAGE", 1)
    with time_machine.travel(start_of(courses[1], 1) + MINUTE):
        pages = [found(page=str(number)) for number in (1, 2, 3, 4)]
        assert pages == [["In 3"], ["In 4"], ["In 1"], ["In 2"]]
        assert [found(search="in", page=str(number)) for number in (1, 2, 3, 4)] == pages


def test_what_nobody_comes_across_is_not_upcoming(courses):
    public, hidden, gone, off = courses
    change_course(course_id=hidden.pk, actor=hidden.teacher, by_link_only=True)
    archive_course(course_id=gone.pk, actor=gone.teacher)
    for session in off.sessions.all():
        cancel_session(session_id=session.pk, actor=off.teacher)
    assert list(Course.objects.filter(upcoming=1)) == [public]


def test_courses_of_before_get_their_next_start(courses):
    before = list(Course.objects.order_by("pk").values_list("next_starts_at", flat=True))
    Course.objects.update(next_starts_at=None)
    import_module("courses.migrations.0024_kept_next_starts").fill(apps, None)
    assert list(Course.objects.order_by("pk").values_list("next_starts_at", flat=True)) == before
    assert timezone.now() < min(before) < timezone.now() + DAY
