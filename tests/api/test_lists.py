"""Lists are bare arrays; `Link` says where they go on."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.prepared import EVERY
from courses.models import Course
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import enroll_full_course
from payments.models import PaymentHold
from payments.services.holds import frozen_rates
from tests.api.conftest import client_of
from tests.factories import TeacherFactory, make_course, student_with_credit

LISTS = [
    "courses",
    "enrollments/me",
    "enrollments/me/sessions",
    "payments/transfers",
    "payments/holds",
    "payments/withdrawals",
    "payments/topups",
]


def following(answer) -> str | None:
    found = re.fullmatch(r'<([^>]+)>; rel="next"', answer.get("Link", ""))
    return found[1] if found else None


def walk(client, path):
    pages = []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200
        pages.append(answer.json())
        path = following(answer)
        assert len(pages) < 300, "no end in sight"
    return pages


@pytest.fixture
def history(world):
    """250 cancelled enrolments, some of the same instant."""
    now = timezone.now()
    rows = [
        CourseEnrollment(
            user=world.stranger,
            course=world.course,
            total_price_paid="1.00",
            status="cancelled",
            enrolled_at=now - timedelta(seconds=number // 3),
        )
        for number in range(250)
    ]
    CourseEnrollment.objects.bulk_create(rows)
    PaymentHold.objects.bulk_create(
        PaymentHold(
            enrollment=row,
            student=world.stranger,
            teacher=world.teacher,
            amount="1.00",
            status="refunded",
            refunded_amount="1.00",
            **frozen_rates(world.stranger),
        )
        for row in rows
    )
    return {str(row.pk) for row in rows}


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_a_bare_array(owner, path):
    answer = owner.get(f"/api/{path}")
    assert isinstance(answer.json(), list)
    assert answer.json()
    assert not answer.has_header("Link")


@pytest.mark.parametrize("path", LISTS)
def test_a_list_goes_on_by_its_link(owner, path):
    whole = owner.get(f"/api/{path}").json()
    pages = walk(owner, f"/api/{path}?limit=1")
    assert [row for page in pages for row in page] == whole
    assert {len(page) for page in pages} == {1}


def test_250_rows_come_once_each_and_newest_first(stranger, history):
    pages = walk(stranger, "/api/enrollments/me?limit=100")

    rows = [row for page in pages for row in page]
    assert [len(page) for page in pages] == [100, 100, 50]
    assert {row["id"] for row in rows} == history
    assert len(rows) == len(history)
    order = [(row["enrolled_at"], row["id"]) for row in rows]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    "asked", ["", "?limit=101", "?limit=100000", "?limit=99999999999999999999"]
)
def test_100_rows_at_most(stranger, history, asked):
    assert len(stranger.get(f"/api/payments/transfers{asked}").json()) == 1
    assert len(stranger.get(f"/api/enrollments/me{asked}").json()) == 100


@pytest.mark.once
@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "", "%00", "\uff11"])
def test_a_limit_is_a_number_from_1(owner, path, limit):
    answer = owner.get(f"/api/{path}?limit={limit}")
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["limit"])


@pytest.mark.once
@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%F0%9F%98%80",
        "cD1ub3doZXJl",  # p=nowhere
        "cD0yMDI2LTEzLTAxKzAwJTNBMDAlM0EwMA==",  # p=2026-13-01 00:00:00
        "cD0wMDAxLTAxLTAxKzAwJTNBMDAlM0EwMCUyQjE0JTNBMDA=",  # p=0001-01-01 00:00:00+14:00
        "bz0tMQ==",  # o=-1
        "bz14",  # o=x
    ],
)
def test_a_cursor_is_one_of_ours(owner, path, cursor):
    answer = owner.get(f"/api/{path}?cursor={cursor}")
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["cursor"])


@pytest.mark.parametrize("ordering", ["title", "-title", "price", "-price", "created_at"])
def test_the_catalogue_goes_on_in_every_order(owner, world, ordering):
    make_course(title="Équations, \U0001f600", price_full_course="7.50")
    make_course(title="a 'quoted' one", price_full_course=None)
    whole = owner.get(f"/api/courses?ordering={ordering}").json()
    pages = walk(owner, f"/api/courses?ordering={ordering}&limit=1")
    assert [row["id"] for page in pages for row in page] == [row["id"] for row in whole]
    assert len(whole) == 4


def published(count: int, **fields) -> set[str]:
    """So many courses made in one moment; `fields` may depend on the number of the course."""
    teacher, now = TeacherFactory(), timezone.now()
    texts = {"language": "Spanish", "category": "Languages", "status": "published"}
    rows = [
        Course(
            teacher=teacher,
            created_at=now,
            **texts,
            **{name: value(n) if callable(value) else value for name, value in fields.items()},
        )
        for n in range(count)
    ]
    return {str(row.pk) for row in Course.objects.bulk_create(rows)}


def ids(pages) -> list[str]:
    return [row["id"] for page in pages for row in page]


@pytest.mark.django_db
@pytest.mark.parametrize("ordering", ["", "created_at", "price", "-title"])
def test_1100_equal_rows_come_once_each(ordering):
    made = published(1100, title="The same", price_full_course="80.00")
    client = client_of(None)
    found = ids(walk(client, f"/api/courses?ordering={ordering}"))
    assert len(found) == len(made)
    assert set(found) == made


@pytest.mark.django_db
@pytest.mark.parametrize("ordering", ["price", "-price", "price,-title", "-price,created_at"])
def test_courses_without_a_price_come_once_each(ordering):
    prices = (None, "8.00", None, "7.50", "8.00")
    made = published(25, title=str, price_full_course=lambda n: prices[n % 5])
    whole = ids([client_of(None).get(f"/api/courses?ordering={ordering}").json()])
    found = ids(walk(client_of(None), f"/api/courses?ordering={ordering}&limit=1"))
    assert found == whole
    assert set(found) == made
    assert len(found) == len(made)


@pytest.mark.django_db
@pytest.mark.parametrize("ordering", ["title", "-title"])
def test_titles_are_compared_by_the_database_alone(ordering):
    titles = ("Yoga", "yoga", "Élan", "elan", "Zen", "YOGA ", "\U0001f600", "élan", "")
    made = published(3 * len(titles), title=lambda n: titles[n % len(titles)])
    found = ids(walk(client_of(None), f"/api/courses?ordering={ordering}&limit=2"))
    assert set(found) == made
    assert len(found) == len(made)


@pytest.mark.django_db
@pytest.mark.parametrize("ordering", [["title"] * 300, ["-title", "title"] * 300])
def test_a_field_sorts_once_however_often_it_is_asked_for(ordering):
    made = published(5, title=lambda n: str(n % 2), price_full_course="80.00")
    asked = f"/api/courses?ordering={','.join(ordering)}"
    whole = ids([client_of(None).get(f"/api/courses?ordering={ordering[0]}").json()])
    assert ids(walk(client_of(None), f"{asked}&limit=2")) == whole
    assert set(whole) == made


@pytest.mark.django_db
def test_a_row_that_goes_takes_none_with_it():
    made = published(6, title="The same", price_full_course="80.00")
    client = client_of(None)
    first = client.get("/api/courses?ordering=price&limit=2")
    Course.objects.filter(pk=first.json()[1]["id"]).delete()
    rest = ids(walk(client, following(first)))
    assert set(rest) == made - {row["id"] for row in first.json()}
    assert len(rest) == 4


@pytest.mark.django_db
def test_a_cursor_is_good_for_its_own_list_and_order():
    published(3, title="The same", price_full_course="80.00")
    client = client_of(None)
    further = following(client.get("/api/courses?ordering=title&limit=1"))
    cursor = parse_qs(urlsplit(further).query)["cursor"][0]
    assert client.get("/api/courses", {"ordering": "title", "cursor": cursor}).status_code == 200
    for order in ("price", "-title", ""):
        answer = client.get("/api/courses", {"ordering": order, "cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert list(answer.json()["details"]) == ["cursor"]


@pytest.mark.once
@pytest.mark.parametrize("path", ["courses", "courses?ordering=-title", "enrollments/me"])
def test_a_process_keeps_two_statements_of_a_first_page(owner, path):
    whole = [row["id"] for row in owner.get(f"/api/{path}").json()]
    kept = set()
    for limit in (1, 2, 20, 21, 50, 100):
        asked = f"/api/{path}{'&' if '?' in path else '?'}limit={limit}"
        assert [row["id"] for row in owner.get(asked).json()] == whole[:limit]
        kept.add(len(EVERY))
    assert max(kept) - min(kept) <= 1


@pytest.mark.mariadb
@pytest.mark.django_db
def test_a_late_page_reads_no_more_than_an_early_one():
    """The cursor is where the index goes on."""
    published(1100, title="The same", price_full_course="80.00")
    client, pages, path = client_of(None), [], "/api/courses"
    while path:
        before = rows_read()
        answer = client.get(path)
        pages.append(rows_read() - before)
        path = following(answer)
    assert len(pages) == 11
    assert max(pages) <= pages[0] + 20


def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())


def test_sessions_of_one_moment_are_each_earned_once(owner, world):
    course = make_course(sessions=5, teacher=world.owner)
    enroll_full_course(student=world.stranger, course_id=course.pk)
    course.sessions.update(starts_at=timezone.now())
    whole = owner.get("/api/payments/earnings").json()["sessions"]
    pages = walk(owner, "/api/payments/earnings?limit=2")
    assert [row for page in pages for row in page["sessions"]] == whole
    assert len(whole) == 6


def test_mine_are_mine_alone(stranger, as_user, world):
    for path in ("enrollments/me", "enrollments/me/sessions", "payments/holds"):
        assert stranger.get(f"/api/{path}").json() == []
        assert as_user(world.teacher).get(f"/api/{path}").json() == []
    newcomer = student_with_credit("5.00")
    moved = as_user(newcomer).get("/api/payments/transfers").json()
    assert [(row["kind"], row["amount"]) for row in moved] == [("grant", "5.00")]


@pytest.mark.parametrize("name", ["language", "category"])
@pytest.mark.parametrize("asked", ["Čeština", "čeština", "ČEŠTINA"])
def test_the_catalogue_knows_words_in_any_case(client, db, name, asked):
    wanted = make_course(**{name: "Čeština"})
    make_course(**{name: "Cestina"})
    make_course(**{name: "Čeština 2"})
    assert [row["id"] for row in client.get("/api/courses", {name: asked}).json()] == [
        str(wanted.pk)
    ]


@pytest.mark.parametrize("asked", ["search=spanish", "level=beginner", "ordering=title"])
def test_a_narrowed_catalogue_reads_its_courses_once(client, db, asked):
    make_course(language="Spanish")
    with CaptureQueriesContext(connection) as captured:
        assert len(client.get(f"/api/courses?{asked}").json()) == 1
    whole = [query for query in captured if "description" in query["sql"]]
    assert len(whole) == 1
