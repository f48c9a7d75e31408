"""The catalogue by days and times of day, in the reader's zone, and by seats left."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.zones import ZONE_COOKIE_NAME
from courses.models import CourseSession
from courses.services import write_outline
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.shop.times import Slots, Wish
from tests.factories import make_course, student_with_credit

pytestmark = pytest.mark.django_db

MADRID = ZoneInfo("Europe/Madrid")
# A Monday, two weeks before the clocks change in Madrid.
NOW = datetime(2027, 3, 15, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday():
    with time_machine.travel(NOW, tick=False):
        yield


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=MADRID)


def course_at(title: str, *starts: datetime, **fields: object) -> None:
    """A course, sold whole unless told otherwise, with sessions at these times."""
    course = make_course(title=title, sessions=len(starts), **fields)
    for session, start in zip(course.sessions.all(), starts, strict=True):
        CourseSession.objects.filter(pk=session.pk).update(starts_at=start)
    write_outline(course)


def find(client, **query) -> set[str]:
    client.cookies[ZONE_COOKIE_NAME] = "Europe/Madrid"
    return {course.title for course in client.get("/", query).context["page_obj"]}


WHOLE = {"price_full_course": "60.00", "price_per_session": None}
MON, TUE, SAT = date(2027, 3, 15), date(2027, 3, 16), date(2027, 3, 20)
WEEK = timedelta(weeks=1)


class TestSlots:
    def test_evenings_follow_the_clock_of_the_reader(self):
        with timezone.override(MADRID):
            spans = Slots.of("weekdays", "evenings").spans
        assert len(spans) == 40
        assert spans[0] == (
            datetime(2027, 3, 15, 16, tzinfo=UTC),
            datetime(2027, 3, 15, 23, tzinfo=UTC),
        )
        assert spans[10][0] == datetime(2027, 3, 29, 15, tzinfo=UTC)

    def test_days_that_touch_are_one_span(self):
        with timezone.override(MADRID):
            spans = Slots.of("weekends", "").spans
        assert len(spans) == 8
        hours = [(end - start) / timedelta(hours=1) for start, end in spans]
        assert hours == [48, 47, *[48] * 6]  # the second has the night that lacks an hour

    def test_all_of_it_is_eight_weeks(self):
        assert [end - start for start, end in Slots.of("", "").spans] == [timedelta(weeks=8)]


class TestWishes:
    @pytest.mark.parametrize(
        ("text", "understood", "said"),
        [
            ("weekday evenings", ("weekdays", "evenings", ""), "on weekday evenings"),
            ("Weekday  Evening", ("weekdays", "evenings", ""), "on weekday evenings"),
            ("evenings on weekends", ("weekends", "evenings", ""), "on weekend evenings"),
            ("spanish on mondays", ("monday", "", "spanish"), "on Mondays"),
            ("in the morning spanish", ("", "mornings", "spanish"), "in the mornings"),
            (
                "chess, Sunday afternoons",
                ("sunday", "afternoons", "chess,"),
                "on Sunday afternoons",
            ),
            ("monday tuesday", ("monday", "", "tuesday"), "on Mondays"),
        ],
    )
    def test_days_and_times_are_understood(self, text, understood, said):
        wish = Wish.of(text)
        assert wish == understood
        assert str(wish) == said

    @pytest.mark.parametrize("text", ["", "spanish", "eveningwear", '"sunday"'])
    def test_words_are_words(self, text):
        assert Wish.of(text) is None


@pytest.mark.both
class TestFinding:
    @pytest.fixture(autouse=True)
    def _courses(self, db):
        course_at("Evenings", at(TUE, 18), at(TUE + 2 * WEEK, 18), **WHOLE)
        course_at("Once at noon", at(TUE, 18), at(TUE + WEEK, 12), **WHOLE)
        course_at("Singles", at(TUE, 12), at(TUE + WEEK, 23, 30), price_full_course=None)
        course_at("Saturdays", at(SAT, 10), **WHOLE)
        course_at("Late", at(TUE + 9 * WEEK, 18), **WHOLE)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"days": "weekdays", "times": "evenings"}, {"Evenings", "Singles"}),
            ({"times": "evenings"}, {"Evenings", "Singles"}),
            ({"times": "mornings"}, {"Saturdays"}),
            ({"times": "afternoons"}, {"Singles"}),
            ({"days": "tuesday"}, {"Evenings", "Once at noon", "Singles"}),
            ({"days": "weekends"}, {"Saturdays"}),
            ({"days": "weekends", "times": "evenings"}, set()),
            ({"days": "someday"}, {"Evenings", "Once at noon", "Singles", "Saturdays", "Late"}),
            ({"search": "weekday evenings"}, {"Evenings", "Singles"}),
            ({"search": "spanish on tuesday"}, {"Evenings", "Once at noon", "Singles"}),
            ({"search": "noon on weekday evenings"}, set()),
            ({"search": '"evenings"'}, {"Evenings"}),
            ({"search": "xylophone on tuesday"}, set()),
            ({"search": "saturdays", "times": "mornings"}, {"Saturdays"}),
        ],
    )
    def test_all_sessions_to_come_fit_or_one_that_is_sold(self, client, query, found):
        assert find(client, **query) == found

    def test_of_more_than_are_shown_the_soonest_that_fit_are(self, client, monkeypatch):
        monkeypatch.setattr("enrollments.shop.found.MOST", 1)
        assert find(client, search="spanish", times="evenings") == {"Evenings"}

    def test_what_has_begun_or_was_called_off_counts_no_more(self, client):
        noon = CourseSession.objects.get(course__title="Once at noon", session_number=2)
        CourseSession.objects.filter(pk=noon.pk).update(status="cancelled")
        assert "Once at noon" in find(client, times="evenings")
        CourseSession.objects.filter(pk=noon.pk).update(starts_at=at(MON, 9), status="scheduled")
        assert "Once at noon" in find(client, times="evenings")

    def test_another_reader_has_other_evenings(self, client):
        client.cookies[ZONE_COOKIE_NAME] = "Asia/Tokyo"
        page = client.get("/", {"times": "evenings"})
        assert {course.title for course in page.context["page_obj"]} == {"Saturdays", "Singles"}

    def test_the_card_names_the_session_that_fits(self, client):
        client.cookies[ZONE_COOKIE_NAME] = "Europe/Madrid"
        page = client.get("/", {"times": "evenings"}).text
        assert page.count("Fits: ") == 1
        assert "Tue 23 Mar 2027, 23:30 CET" in page.split("Fits: ")[1]

    def test_what_was_understood_of_a_search_is_said_and_chosen(self, client):
        page = client.get("/", {"search": "spansh on weekday evenings", "page": "1"})
        said = page.text.split('<p role="status">')[1].split("</p>")[0]
        assert "results for <strong>spanish</strong> <strong>on weekday evenings</strong>" in said
        assert 'href="?search=%22spansh+on+weekday+evenings%22"' in said
        assert '<option value="weekdays" selected>' in page.text
        assert 'value="spansh"' in page.text
        assert "Filters · 2 in use" in page.text
        assert "Search for the words" not in client.get("/", {"days": "weekdays"}).text

    def test_it_takes_one_statement_more(self, client):
        plain, timed = (statements(client, query) for query in ({}, {"days": "weekdays"}))
        assert timed <= plain + 1


def statements(client, query) -> int:
    with CaptureQueriesContext(connection) as asked:
        client.get("/", query)
    return len(asked)


class TestSeats:
    def test_what_a_card_calls_sold_out_is_left_out(self, client):
        ada, bob = student_with_credit(), student_with_credit()
        full, single, free = (make_course(title=name, max_students=1) for name in "ABC")
        make_course(title="D")
        enroll_full_course(student=ada, course_id=full.pk)
        purchase_session(student=bob, session_id=single.sessions.first().pk)
        assert find(client) == {"A", "B", "C", "D"}
        assert find(client, seats="on") == {"C", "D"}
        assert "Sold out" not in client.get("/", {"seats": "on"}).text
        CourseSession.objects.filter(pk=single.sessions.first().pk).update(starts_at=at(MON, 9))
        assert find(client, seats="on") == {"B", "C", "D"}
        assert free.title == "C"

    def test_the_seat_of_an_enrolled_student_counts_once(self, client):
        ada, course = student_with_credit(), make_course(title="A", max_students=2)
        purchase_session(student=ada, session_id=course.sessions.first().pk)
        enroll_full_course(student=ada, course_id=course.pk)
        assert find(client, seats="on") == {"A"}

    def test_the_fullest_session_decides_not_all_of_them(self, client):
        course = make_course(title="A", max_students=2)
        for session in course.sessions.all()[:3]:
            purchase_session(student=student_with_credit(), session_id=session.pk)
        assert find(client, seats="on") == {"A"}

    def test_how_many_filters_are_in_use_is_told(self, client):
        query = {"seats": "on", "days": "", "level": "beginner", "search": "x"}
        page = client.get("/", query)
        assert "Filters · 2 in use" in page.text
