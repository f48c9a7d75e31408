"""Where filters leave out almost every course, a list reads no more among ten thousand."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

from courses import notes, queries
from demo.load import generate
from demo.rows import Size
from tests.api.test_statements import rows_read
from tests.enrollments.test_catalogue_large import COURSES, NUMBER, VARIED, grown
from tests.factories import student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

# Those with a number below these have a seat, are on a weekend, or on Thursdays weeks after all
# others, which are at noon of Wednesdays.
WITH_SEATS, AT_WEEKENDS, LATE = 5, 10, 400
WEDNESDAY = "(UTC_DATE + INTERVAL 9 - WEEKDAY(UTC_DATE) DAY + INTERVAL 12 HOUR)"
DAYS_ON = f"IF({NUMBER} < {AT_WEEKENDS}, 3, IF({NUMBER} < {LATE}, 29, 0))"
RARE = (
    f"UPDATE courses SET max_students = 1, current_students = {NUMBER} >= {WITH_SEATS}, "
    f"next_starts_at = {WEDNESDAY} + INTERVAL {DAYS_ON} DAY",
    "UPDATE course_sessions s JOIN courses c ON c.id = s.course_id SET s.starts_at = "
    "c.next_starts_at + INTERVAL IF(s.session_number = 1, -6, s.session_number - 2) WEEK",
)
ORDERS = ("next", "newest", "cheapest", "title")
NARROW = (
    "seats=on", "days=weekends", "days=sunday", "times=evenings", "days=saturday&times=afternoons",
    "seats=on&days=weekdays", "seats=on&times=afternoons", "seats=on&search=english",
    "seats=on&category=Category 5", "seats=on&price=25", "days=weekends&search=english odd",
    "days=weekends&level=beginner", "days=sunday&price=25&level=advanced",
)  # fmt: skip
SOON = ("days=thursday", "days=thursday&times=afternoons&search=english", "days=thursday&price=25")


@pytest.fixture
def courses(plans_of_mariadb: None) -> None:
    for _ in generate(Size(1, COURSES, 0)):
        pass
    with connection.cursor() as cursor:
        for sql in (VARIED, *RARE):
            cursor.execute(sql)


def ways() -> Iterator[str]:
    yield from (f"/?{chosen}&order={order}" for chosen in NARROW for order in ORDERS)
    yield from (f"/?{chosen}&page={page}" for chosen in SOON for page in (1, 25))


def test_what_is_not_shown_is_not_read(courses, settings):
    browser = Client()
    browser.force_login(student_with_credit())
    notes.forget_notes()
    settings.SEARCH_VOCABULARY_SECONDS = 3600
    for way in ways():
        browser.get(way)

    assert grown(browser, [*ways()]) == {}
    assert [len(browser.get(f"/?{one}").context["cards"]) for one in NARROW[:4]] == [5, 10, 0, 0]


def test_what_is_over_is_not_read_for_what_the_form_offers(courses):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE courses SET next_starts_at = NULL WHERE {NUMBER} < {COURSES - 100}")

    assert rows_read(queries.offered) < 300
    assert len(queries.offered()) == 12 + 7
