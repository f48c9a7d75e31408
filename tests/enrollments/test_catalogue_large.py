"""The catalogue among ten thousand courses: no way through it reads more rows than among few."""

from collections.abc import Iterator, Sequence

import pytest
from django.db import connection
from django.test import Client

from courses import notes
from courses.models import Course
from demo.load import generate
from demo.rows import Size
from enrollments.shop import found
from tests.api.test_statements import rows_read
from tests.factories import student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

COURSES = 10_000
FEW = 4_000
# The rows of a page, and those that are counted, with what is asked of each of them.
AT_MOST = 10_000
# And what is asked of each of those that are all sorted, because few have a word.
AT_MOST_SORTED = AT_MOST + 10 * 500
# And where it is noted that there are more than are counted, but for what takes more to be found.
AT_MOST_AGAIN = 500
LONGER = ("search=", "page=25", "days=", "times=")
TABLES = "courses, course_sessions, course_outlines, course_words, users, user_words"
NUMBER = "CONV(RIGHT(id, 4), 16, 10)"
# So that courses differ in all that is asked for.
VARIED = """
    UPDATE courses SET
        category = CONCAT('Category ', CONV(RIGHT(id, 4), 16, 10) % 12),
        language = CONCAT('Language ', CONV(RIGHT(id, 4), 16, 10) % 7),
        level = ELT(1 + CONV(RIGHT(id, 4), 16, 10) % 3, 'beginner', 'intermediate', 'advanced'),
        price_full_course = 10 + CONV(RIGHT(id, 4), 16, 10) % 90,
        price_per_session = NULLIF(CONV(RIGHT(id, 4), 16, 10) % 5, 0),
        max_students = NULLIF(CONV(RIGHT(id, 4), 16, 10) % 4, 0)
"""
ORDERS = ("next", "newest", "cheapest", "title")
ORDERINGS = ("created_at", "title", "-title", "price", "-price")
# Words that all courses have, that half have, that few have; a beginning of words that lead and of
# one that is in descriptions alone.
SEARCHES = ("english", "english odd", "course 77", "e", "measure e")
# Words that one course in twenty has, here and there or all in one place.
SELDOM = ("seldom", "english together", "course seldom together")
WORDS = {"seldom": f"{NUMBER} % 20 = 7", "together": f"{NUMBER} BETWEEN 2000 AND 2499"}
FILTERS = (
    "category=Category 5", "language=Language 3", "level=advanced", "price=25", "seats=on",
    "days=weekends", "times=mornings", "days=monday&times=evenings", "teacher={teacher}",
)  # fmt: skip

FILTERS_WITH_WORDS = ("category=Category 5", "seats=on", "price=25", "days=weekends")
FILTERS_OF_API = (
    "category=Category 5",
    "language=Language 3",
    "level=advanced",
    "teacher={teacher}",
)


@pytest.fixture
def courses(plans_of_mariadb: None) -> None:
    for _ in generate(Size(1, COURSES, 0)):
        pass
    with connection.cursor() as cursor:
        cursor.execute(VARIED)
        for word, where in WORDS.items():
            cursor.execute(
                "INSERT INTO course_words (course_id, word, leads) "
                f"SELECT id, '{word}', 1 FROM courses WHERE {where}"
            )


def ways() -> Iterator[str]:
    yield from ("/", "/?page=2", "/?page=25", "/api/courses?limit=20")
    yield from (f"/?order={order}" for order in ORDERS)
    yield from (f"/api/courses?limit=20&ordering={order}" for order in ORDERINGS)
    for words in (*SEARCHES, *SELDOM):
        yield f"/api/courses?limit=20&search={words}"
        yield f"/api/courses?limit=20&search={words}&ordering=title"
        yield from (f"/?search={words}&page={page}" for page in (1, 25))
        yield from (f"/?search={words}&order={order}" for order in ORDERS)
    yield from (f"/?search=together&{chosen}" for chosen in FILTERS_WITH_WORDS)
    teacher = Course.objects.values_list("teacher", flat=True)[0]
    for chosen in FILTERS:
        yield f"/?{chosen}".format(teacher=teacher)
        yield f"/?{chosen}&order=title".format(teacher=teacher)
    for chosen in FILTERS_OF_API:
        yield f"/api/courses?limit=20&{chosen}".format(teacher=teacher)


def grown(browser: Client, ways: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The ways that read more rows than they may, or than among `FEW` courses, and how many."""

    def read() -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE TABLE {TABLES}")
        told = {}
        for way in ways:
            # First all are counted; then it may be noted that there are more than are shown.
            found._many.clear()
            for turn in ("first", "again"):
                told[f"{turn} {way}"] = rows_read(lambda way=way: browser.get(way))
        return told

    last = Course.objects.order_by("pk").values_list("pk", flat=True)[FEW]
    Course.objects.filter(pk__gte=last).update(status="archived")
    among_few = read()
    Course.objects.update(status="published")
    among_many = read()
    return {
        way: (among_few[way], rows)
        for way, rows in among_many.items()
        # Another plan may read twice as many of the courses that are counted.
        if rows > 2.5 * among_few[way] or rows > _limit(way)
    }


def _limit(way: str) -> int:
    if way.startswith("again /?") and not any(part in way for part in LONGER):
        return AT_MOST_AGAIN
    return AT_MOST_SORTED if any(f"={words}" in way for words in SELDOM) else AT_MOST


def test_no_way_through_the_catalogue_reads_more_among_more_courses(courses, settings):
    browser = Client()
    browser.force_login(student_with_credit())
    # Which words are common is found out now and then, and noted.
    notes.forget_notes()
    settings.SEARCH_VOCABULARY_SECONDS = 3600
    for words in (*SEARCHES, *SELDOM):
        browser.get("/", {"search": words})

    told = grown(browser, [*ways()])
    assert not told, "\n".join(f"{way}: {rows}" for way, rows in told.items())
