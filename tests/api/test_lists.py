"""Lists are bare arrays; `Link` says where they go on."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from enrollments.models import CourseEnrollment
from payments.models import PaymentHold
from payments.services.holds import frozen_rates
from tests.factories import make_course, student_with_credit

LISTS = [
    "courses",
    "enrollments/me",
    "enrollments/me/sessions",
    "payments/transfers",
    "payments/holds",
    "payments/withdrawals",
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


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "", "%00", "\uff11"])
def test_a_limit_is_a_number_from_1(owner, path, limit):
    answer = owner.get(f"/api/{path}?limit={limit}")
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["limit"])


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


def test_mine_are_mine_alone(stranger, as_user, world):
    for path in ("enrollments/me", "enrollments/me/sessions", "payments/holds"):
        assert stranger.get(f"/api/{path}").json() == []
        assert as_user(world.teacher).get(f"/api/{path}").json() == []
    newcomer = student_with_credit("5.00")
    moved = as_user(newcomer).get("/api/payments/transfers").json()
    assert [(row["kind"], row["amount"]) for row in moved] == [("grant", "5.00")]
