"""What a process has noted of the catalogue saves statements, and shows nothing that isn't so."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from courses import notes, queries, search
from courses.models import Course
from courses.services import archive_course
from enrollments.shop import found
from tests.enrollments.test_pages_catalogue import titles
from tests.factories import DAY, TeacherFactory, make_course

pytestmark = [pytest.mark.django_db, pytest.mark.both]

MOST = 4
MORNING = datetime(2027, 3, 15, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noted(settings, monkeypatch):
    monkeypatch.setattr(found, "MOST", MOST)
    monkeypatch.setattr(found, "FEW", 0)
    notes.forget_notes()
    settings.SEARCH_VOCABULARY_SECONDS = 3600
    with time_machine.travel(MORNING, tick=False):
        yield
    notes.forget_notes()


@pytest.fixture
def courses(db) -> list[Course]:
    teacher = TeacherFactory(display_name="Ada")
    return [
        # Several start at one time.
        make_course(teacher=teacher, title=f"Chess {n}", sessions=2, starts_in=(n + 2) // 3 * DAY)
        for n in range(1, MOST + 4)
    ]


@pytest.fixture
def is_seldom(monkeypatch):
    """Whatever is searched for is what the database begins with, and not named."""
    for module in (search, queries):
        monkeypatch.setattr(module, "RARE", 1)


def statements(client, path) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    return [query["sql"] for query in asked]


WAYS = ("/?", "/?order=title", "/?search=chess", "/?search=chess&order=newest", "/?times=mornings")


@pytest.mark.parametrize("way", WAYS)
def test_more_than_are_shown_are_counted_once(client, courses, way):
    first = client.get(way)
    noted = statements(client, way)
    again = client.get(way)
    assert titles(again) == titles(first)
    assert again.context["counted"] == first.context["counted"] == "4+ courses"
    assert not [sql for sql in noted if f"LIMIT {MOST + 1}" in sql]


@pytest.mark.parametrize("way", WAYS[:4])
def test_what_is_gone_is_missed(client, courses, way):
    assert client.get(way).context["counted"] == "4+ courses"
    for course in courses[2:]:
        archive_course(course_id=course.pk, actor=course.teacher)
    page = client.get(way)
    assert sorted(titles(page)) == ["Chess 1", "Chess 2"]
    assert page.context["counted"] == "2 courses"


@pytest.mark.usefixtures("is_seldom")
def test_of_few_the_first_are_looked_at_first(client, courses, monkeypatch):
    monkeypatch.setattr(found, "SPARE", 0)
    make_course(title="Guitar", sessions=1)
    courses.sort(key=lambda one: (one.sessions.first().starts_at, -one.pk.int))
    for _ in range(2):
        assert titles(client.get("/?search=chess")) == [one.title for one in courses[:MOST]]
    assert [sql for sql in statements(client, "/?search=chess") if f"LIMIT {2 * MOST})" in sql]


@pytest.mark.usefixtures("is_seldom")
def test_what_has_passed_is_found_by_its_words_only(client, courses):
    other = make_course(title="Guitar", sessions=2, starts_in=DAY)
    ago = timezone.now() - timedelta(minutes=1)
    for course in (other, courses[0]):
        course.sessions.filter(session_number=1).update(starts_at=ago)
        Course.objects.filter(pk=course.pk).update(next_starts_at=ago)
    shown = titles(client.get("/?search=chess"))
    assert len(shown) == MOST
    assert "Guitar" not in shown
    assert titles(client.get("/?search=chess")) == shown


def test_a_category_is_offered_as_soon_as_it_is_asked_for(client, courses):
    assert 'value="Games"' not in client.get("/").text
    make_course(title="Go", sessions=1, category="Games", language="Basque")
    page = client.get("/?category=games")
    assert titles(page) == ["Go"]
    assert '<option value="Games" selected' in page.text
    notes.forget_notes()
    assert 'value="Cooking"' not in client.get("/").text
    make_course(title="Tea", sessions=1, category="Cooking", language="Welsh")
    assert titles(client.get("/?language=welsh")) == ["Tea"]


@pytest.mark.usefixtures("is_seldom")
def test_names_that_many_have_are_asked_of_each_course(client, courses):
    for _ in range(2):
        assert len(titles(client.get("/?search=ada"))) == MOST
    make_course(teacher=TeacherFactory(display_name="Bea"), title="Late", sessions=1, starts_in=DAY)
    names = [sql for sql in statements(client, "/?search=ada") if "DISTINCT c.id" in sql]
    assert names == []
    assert "Late" not in titles(client.get("/?search=ada"))


@pytest.mark.parametrize("asked", ["2", "999"])
def test_pages_of_what_is_gone_are_counted_again(client, courses, monkeypatch, asked):
    monkeypatch.setattr("enrollments.views.catalogue.CARDS_PER_PAGE", 2)
    client.get("/")
    for course in courses[2:]:
        archive_course(course_id=course.pk, actor=course.teacher)
    page = client.get("/", {"page": asked})
    assert sorted(titles(page)) == ["Chess 1", "Chess 2"]
    assert page.context["page_obj"].paginator.num_pages == 1


def test_what_is_gone_is_missed_among_the_best(client, courses, monkeypatch):
    for module in (search, queries):
        monkeypatch.setattr(module, "RARE", 1)
    monkeypatch.setattr(search, "SELDOM", 0)
    make_course(title="Go", description="chess", sessions=1, starts_in=DAY)
    assert client.get("/?search=chess").context["counted"] == "4+ courses"
    for course in courses[2:]:
        archive_course(course_id=course.pk, actor=course.teacher)
    page = client.get("/?search=chess")
    assert len(titles(page)) == 3
    assert page.context["counted"] == "3 courses"


@pytest.mark.usefixtures("is_seldom")
def test_of_few_what_has_passed_takes_no_place_of_others(client, courses, monkeypatch):
    monkeypatch.setattr(found, "SPARE", 0)
    moved = make_course(title="Chess moved", sessions=2, starts_in=30 * DAY)
    ago = timezone.now() - timedelta(minutes=1)
    moved.sessions.filter(session_number=1).update(starts_at=ago)
    Course.objects.filter(pk=moved.pk).update(next_starts_at=ago)
    shown = titles(client.get("/?search=chess"))
    assert "Chess moved" not in shown
    assert titles(client.get("/?search=chess")) == shown
