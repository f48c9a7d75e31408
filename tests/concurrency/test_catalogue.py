"""What others find while a course is being changed: it as it was.

Where an index leads MariaDB to an older version of a row, it may read VIRTUAL columns as NULL.
"""

from functools import partial

import pytest
from django.db import connection
from django.test import Client

from courses.models import Course
from demo.load import generate
from demo.rows import Size
from enrollments.services import enrolling
from tests.concurrency.racing import race
from tests.factories import make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

ORDERS = ("next", "newest", "cheapest", "title")
FILTERS = ("", "category=Food", "language=Italian", "level=advanced", "level=advanced&price=50")
RARE = {"category": "Food", "language": "Italian", "level": "advanced"}
VIRTUAL = """
SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND EXTRA LIKE '%VIRTUAL%'
"""


@pytest.fixture
def course() -> Course:
    """One of so few that an index finds them, among many others."""
    for _ in generate(Size(1, 300, 0)):
        pass
    course = make_course(sessions=2, **RARE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE courses")
    return course


def test_a_course_is_found_in_every_way_while_somebody_buys_it(course, interruption):
    buy = partial(enrolling.enroll_full_course, student=student_with_credit(), course_id=course.pk)
    ways = [f"/?{chosen}&order={order}" for chosen in FILTERS for order in ORDERS]

    def counts() -> dict[str, int]:
        return {way: len(Client().get(way).context["cards"]) for way in ways}

    before = counts()
    interruption.before(enrolling, "_check")
    _, during = race(buy, interruption.by(counts))
    assert during == before
    assert all(before.values())


def test_no_column_is_virtual():
    with connection.cursor() as cursor:
        cursor.execute(VIRTUAL)
        assert list(cursor.fetchall()) == []
