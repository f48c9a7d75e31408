"""The catalogue page: what is found, in which order, and what its cards say."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext

from courses.models import Course
from courses.services import archive_course
from courses.templatetags.covers import DRAWN, cover
from enrollments.services.enrolling import enroll_full_course
from tests.factories import (
    DAY,
    TeacherFactory,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db


def titles(page) -> list[str]:
    return [course.title for course in page.context["page_obj"].object_list]


def find(client, **query) -> list[str]:
    return titles(client.get("/", query))


@pytest.fixture
def three(db):
    """Piano starts first and costs most; Dutch is sold by the session, French whole."""
    make_course(
        title="French",
        starts_in=3 * DAY,
        price_full_course="60.00",
        price_per_session=None,
        language="French",
    )
    make_course(
        title="Dutch",
        starts_in=2 * DAY,
        price_full_course=None,
        price_per_session="8.00",
        level="advanced",
    )
    make_course(
        title="Piano",
        starts_in=DAY,
        price_full_course="400.00",
        price_per_session="70.00",
        category="Music",
        description="Black keys and white ones",
        teacher=TeacherFactory(display_name="Clara Wieck"),
    )


@pytest.mark.both
@pytest.mark.usefixtures("three")
class TestFinding:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["Piano", "Dutch", "French"]),
            ({"search": "keys"}, ["Piano"]),
            ({"search": "wieck"}, ["Piano"]),
            ({"language": "French"}, ["French"]),
            ({"level": "advanced"}, ["Dutch"]),
            ({"category": "Music"}, ["Piano"]),
            ({"category": "mUSIC"}, ["Piano"]),
            ({"price": "10"}, ["Dutch"]),
            ({"price": "100"}, ["Piano", "Dutch", "French"]),
            ({"price": "50"}, ["Dutch"]),
            ({"category": "Languages", "price": "10"}, ["Dutch"]),
            ({"order": "newest"}, ["Piano", "Dutch", "French"]),
            ({"order": "cheapest"}, ["Dutch", "French", "Piano"]),
            ({"order": "title"}, ["Dutch", "French", "Piano"]),
        ],
    )
    def test_filters_and_orders(self, client, query, found):
        assert find(client, **query) == found

    def test_words_that_differ_by_case_are_one_choice(self, client):
        for language in ("Čeština", "ČEŠTINA", "čeština", "Cestina"):
            make_course(title=language, language=language)
        page = client.get("/", {"language": "ČEština"})
        assert {*titles(page)} == {"Čeština", "ČEŠTINA", "čeština"}
        offered = re.findall(r'<option value="([čc]e[^"]*)"( selected)?', page.text, re.IGNORECASE)
        assert sorted(selected for _, selected in offered) == ["", " selected"]
        assert find(client, language="cestina") == ["Cestina"]

    def test_what_has_no_session_to_come_is_not_here(self, client):
        over = make_course(title="Over", sessions=1)
        start_session(over.sessions.get(), ago=timedelta(days=2))
        assert find(client) == ["Piano", "Dutch", "French"]
        assert client.get(f"/courses/{over.pk}/").status_code == 200

    def test_only_what_leads_to_a_session_to_come_is_offered(self, client):
        over = make_course(title="Over", sessions=1, category="Science", language="Latin")
        start_session(over.sessions.get(), ago=timedelta(days=2))
        page = client.get("/").text
        assert 'value="Music"' in page
        assert 'value="Science"' not in page
        assert 'value="Latin"' not in page
        asked = client.get("/", {"category": "science"})  # as the page of that course does
        assert titles(asked) == []
        assert '<option value="Science" selected' in asked.text
        assert "No course matches." in asked.text

    def test_a_teacher_is_a_filter(self, client):
        theirs = Course.objects.get(title="Dutch").teacher_id
        page = client.get("/", {"teacher": str(theirs)})
        assert titles(page) == ["Dutch"]
        assert f'type="hidden" name="teacher" value="{theirs}"' in page.text

    def test_nothing_found_leads_back(self, client):
        page = client.get("/", {"search": "xylophone"})
        assert "No course matches." in page.text
        assert "Clear the search</a>" in page.text

    @pytest.mark.parametrize(
        ("query", "cleared"),
        [
            ({"search": "piano"}, "Clear the search<"),
            ({"category": "Music"}, "Clear the filters<"),
            ({"search": "piano", "category": "Music"}, "Clear the search and the filters<"),
            ({"search": "piano in the evenings"}, "Clear the search<"),
            ({"search": "evenings"}, "Clear the search<"),
            ({"search": "piano evenings", "seats": "on"}, "Clear the search and the filters<"),
        ],
    )
    def test_it_says_what_it_clears(self, client, query, cleared):
        assert cleared in client.get("/", query).text

    @pytest.mark.parametrize(
        "query",
        [
            {"level": "expert"},
            {"price": "-1"},
            {"price": "NaN"},
            {"order": "password"},
            {"teacher": "1"},
            {"search": "a\x00b"},
            {"search": "a\x00b", "order": "best"},
            {"language": "Klingon", "category": "'; DROP TABLE courses; --"},
        ],
    )
    def test_what_is_no_filter_is_left_out_and_said(self, client, query):
        page = client.get("/", query)
        assert page.status_code == 200
        assert len(titles(page)) == 3
        assert "We ignored the filters that didn't make sense." in page.text
        assert "in use" not in page.text

    def test_an_unknown_choice_is_told_at_its_field(self, client):
        assert "Choose one of the options." in client.get("/", {"level": "expert"}).text

    @pytest.mark.parametrize("page", ["0", "-1", "999", "x", "1e3"])
    def test_any_page_number_shows_a_page(self, client, page):
        assert len(find(client, page=page)) == 3

    def test_drafts_and_archived_courses_are_not_here(self, client):
        make_course(title="Draft", published=False)
        gone = make_course(title="Gone", language="Latin")
        archive_course(course_id=gone.pk, actor=gone.teacher)
        page = client.get("/")
        assert titles(page) == ["Piano", "Dutch", "French"]
        assert "Latin" not in page.text

    @pytest.mark.parametrize("query", [{"ref": "0123456789"}, {"page": "2"}, {"order": "title"}])
    def test_what_is_no_filter_is_not_cleared(self, client, query):
        page = client.get("/", query)
        assert len(titles(page)) == 3
        assert "Clear the" not in page.text
        assert "Clear the filters" in client.get("/", query | {"language": "French"}).text

    def test_posting_is_no_way_to_search(self, client):
        assert client.post("/").status_code == 405


class TestCards:
    def test_a_card_says_what_a_buyer_asks(self, client):
        student = student_with_credit(time_zone="Europe/Berlin")
        course = make_course(
            max_students=5, teacher=TeacherFactory(display_name="Ana"), level="intermediate"
        )
        client.force_login(student)
        page = client.get("/").text
        for words in ("Ana", "Intermediate", "$100.00", "$16.00", "5 seats left", "7 sessions"):
            assert words in page
        assert f"/courses/{course.pk}/" in page
        assert "CE" in page.split("Next: ")[1][:150]  # CET or CEST

    def test_a_course_that_runs_costs_what_is_still_to_come(self, client):
        course = make_course(sessions=4, price_full_course="80.00", price_per_session="24.00")
        start_session(course.sessions.first())
        page = client.get("/").text
        assert "$60.00" in page
        assert "3 of 4 sessions still to come" in page

    def test_full_and_mine(self, client):
        student, course = student_with_credit(), make_course(max_students=1)
        enroll_full_course(student=student, course_id=course.pk)
        assert "Sold out" in client.get("/").text
        client.force_login(student)
        page = client.get("/").text
        assert "You're in" in page
        assert "Sold out" not in page
        assert "0 seats left" not in page

    def test_text_of_a_teacher_is_no_markup(self, client):
        make_course(title="<script>alert(1)</script>")
        assert "<script>alert" not in client.get("/").text


class TestInvitations:
    def test_a_guest_sees_who_invited_them(self, client):
        ana = TeacherFactory(display_name="Ana <b>Marín</b>")
        course = make_course()
        assert (
            "Ana &lt;b&gt;Marín&lt;/b&gt;</strong> invited you."
            in client.get("/", {"ref": ana.referral_code}).text
        )
        for later in ("/", f"/courses/{course.pk}/", "/register/"):
            assert "</strong> invited you." in client.get(later).text

    def test_nobody_else_does(self, client):
        assert "invited you" not in client.get("/", {"ref": "0123456789"}).text
        code = TeacherFactory().referral_code
        client.force_login(student_with_credit())
        assert "invited you" not in client.get("/", {"ref": code}).text


class TestPaging:
    def test_pages_keep_the_query(self, client):
        for number in range(13):
            make_course(title=f"Course {number:02}", sessions=1)
        first = client.get("/", {"search": "course", "order": "title"})
        assert titles(first) == [f"Course {number:02}" for number in range(12)]
        assert "search=course&amp;order=title&amp;page=2" in first.text
        assert find(client, search="course", order="title", page="2") == ["Course 12"]

    def test_more_courses_ask_the_database_no_more(self, client):
        client.force_login(student_with_credit())
        make_course(sessions=2)
        few = statements(client)
        for _ in range(5):
            make_course(sessions=6)
        assert statements(client) == few <= 12


def statements(client) -> int:
    client.get("/")
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/").status_code == 200
    return len(asked)


class TestCovers:
    def test_every_drawing_is_there_and_used(self):
        folder = Path(settings.BASE_DIR) / "static/img/covers"
        counted = {f"{kind}-{n}.svg" for kind, count in DRAWN.items() for n in range(1, count + 1)}
        assert counted == {file.name for file in folder.iterdir()}

    def test_a_course_keeps_its_drawing(self):
        course = make_course(category="Music")
        assert cover(course) == cover(Course.objects.get(pk=course.pk))
        assert "music-" in cover(course)
        assert "other-" in cover(make_course(category="Bee-keeping"))

    def test_an_own_picture_comes_first(self):
        course = Course(
            category="Music", thumbnail="courses/mine.jpg", price_full_course=Decimal(1)
        )
        assert cover(course).endswith("courses/mine.jpg")


def test_an_icon_is_rendered_once(client, monkeypatch):
    """However many cards show it, on however many pages."""
    for _ in range(3):
        make_course()
    before = client.get("/").content.count(b"#calendar")
    rendered: list[str] = []
    render = Template.render

    def watched(self: Template, context: Context) -> str:
        rendered.append(self.name or "")
        return render(self, context)

    monkeypatch.setattr(Template, "render", watched)
    assert client.get("/").content.count(b"#calendar") == before == 3
    assert "enrollments/catalogue.html" in rendered
    assert "_icon.html" not in rendered
