"""One key, one answer, one movement of money."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from enrollments.models import CourseEnrollment
from payments.models import IdempotencyRecord, Transfer
from payments.wallets import balances_of
from tests.factories import give_credit, make_course

KEY = "a-key-of-mine"


@pytest.fixture
def buy(world):
    path = f"/api/enrollments/courses/{world.course.pk}"

    def ask(client, key=KEY, body=None, path=path):
        return client.post(path, body, headers={"Idempotency-Key": key})

    return ask


def test_the_same_request_gets_the_same_answer(world, stranger, buy):
    first, again = buy(stranger), buy(stranger)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert not first.has_header("Idempotent-Replayed")
    assert again["Idempotent-Replayed"] == "true"
    assert CourseEnrollment.objects.filter(user=world.stranger).count() == 1
    assert balances_of(world.stranger)[0] == Decimal("400.00")


@pytest.mark.parametrize("call", ["purchase", "cancel", "cancel_single"])
def test_every_call_that_moves_money_replays(world, owner, stranger, call):
    client, method, path = {
        "purchase": (stranger, "post", f"sessions/{world.single.pk}/purchase"),
        "cancel": (owner, "delete", str(world.enrollment.pk)),
        "cancel_single": (owner, "delete", f"sessions/{world.purchase.pk}"),
    }[call]
    answers = [
        getattr(client, method)(f"/api/enrollments/{path}", headers={"Idempotency-Key": KEY})
        for _ in range(2)
    ]
    moved = Transfer.objects.count()
    assert answers[0].status_code < 300
    assert answers[1].json() == answers[0].json()
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert Transfer.objects.count() == moved


def test_a_refusal_is_remembered_as_well(world, owner, as_user, buy):
    staff = as_user(world.staff)
    assert buy(staff).status_code == 402
    give_credit(world.staff, "200.00")
    again = buy(staff)
    assert (again.status_code, again["Idempotent-Replayed"]) == (402, "true")
    assert buy(staff, "another-key").status_code == 201

    assert buy(owner).json()["code"] == "already_enrolled"
    owner.delete(f"/api/enrollments/{world.enrollment.pk}")
    again = buy(owner)
    assert (again.status_code, again["Idempotent-Replayed"]) == (409, "true")


def test_another_request_under_the_same_key(world, stranger, buy):
    buy(stranger)
    for changed in (
        buy(stranger, body={"enrollment_type": "full_course"}),
        buy(stranger, path=f"/api/enrollments/courses/{world.other.pk}"),
    ):
        assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_key_reused")
    assert balances_of(world.stranger)[0] == Decimal("400.00")


def test_anothers_key_is_anothers(world, stranger, as_user, buy):
    give_credit(world.staff, "100.00")
    mine, theirs = buy(stranger), buy(as_user(world.staff))
    assert theirs.status_code == 201
    assert not theirs.has_header("Idempotent-Replayed")
    assert theirs.json()["id"] != mine.json()["id"]


def test_keys_differ_by_case_and_accent(stranger, buy):
    assert buy(stranger, "Key").status_code == 201
    assert buy(stranger, "key").status_code == 409


@pytest.mark.parametrize("key", ["", " ", "a b", "a\tb", "k" * 256, "clé", "k\x7f"])
def test_a_key_is_1_to_255_visible_characters(stranger, buy, key):
    answer = buy(stranger, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("key", ["k", "k" * 255, "!~"])
def test_the_longest_and_the_shortest_key(stranger, buy, key):
    assert buy(stranger, key).status_code == 201


def test_a_malformed_request_may_be_mended(stranger, buy):
    assert buy(stranger, body={"enrollment_type": "per_session"}).status_code == 400
    assert buy(stranger).status_code == 201


def test_without_signing_in_nothing_is_remembered(world, as_user, stranger, buy):
    assert buy(as_user(None)).status_code == 401
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize(("days", "status"), [(29, 201), (31, 409)])
def test_a_key_lives_30_days(stranger, world, buy, days, status, as_user):
    course = make_course(starts_in=timedelta(days=90))
    path = f"/api/enrollments/courses/{course.pk}"
    assert buy(stranger, path=path).status_code == 201
    with time_machine.travel(timezone.now() + timedelta(days=days), tick=True):
        again = buy(as_user(world.stranger), path=path)
    assert again.status_code == status
    assert again.has_header("Idempotent-Replayed") == (status == 201)
