"""Earnings and withdrawals over the API."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollments.services.enrolling import enroll_full_course
from payments.models import IdempotencyRecord, LedgerAccount, Withdrawal
from tests.api.conftest import client_of
from tests.factories import (
    PASSWORD,
    PAYOUT_DETAILS,
    UserFactory,
    earn,
    make_course,
    student_with_credit,
    withdraw,
)
from tests.payments.withdrawing import teacher

__all__ = ["teacher"]

pytestmark = pytest.mark.django_db

URL = "/api/payments/withdrawals"
BODY = {"amount": "70.00", "payout_details": PAYOUT_DETAILS, "password": PASSWORD}


@pytest.fixture
def client(teacher):
    return client_of(teacher)


def available(user):
    return LedgerAccount.objects.get(owner=user, kind="earnings").balance


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    return answer.json()["details"]


def test_ask_look_take_back(client, teacher):
    asked = client.post(URL, BODY)
    assert asked.status_code == 201
    made = asked.json()
    assert (made["amount"], made["status"]) == ("70.00", "requested")
    assert made["payout_details"] == "•••• 1332"
    assert (made["decided_at"], made["completed_at"]) == (None, None)
    assert client.get(URL).json() == [made]
    assert available(teacher) == 30
    back = client.delete(f"{URL}/{made['id']}")
    assert (back.status_code, back.json()) == (200, made | {"status": "cancelled"})
    assert available(teacher) == 100
    assert refused(client.delete(f"{URL}/{made['id']}"), 409, "withdrawal_decided") == {
        "status": "cancelled"
    }


def test_the_list_shows_what_became_of_each(client, teacher):
    withdraw(teacher, status="completed")
    withdraw(teacher, status="rejected")
    rejected, completed = client.get(URL).json()
    assert (completed["status"], completed["reference"]) == ("completed", "SEPA 2026-1")
    assert (rejected["status"], rejected["reason"]) == ("rejected", "The bank sent it back")


class TestStepUp:
    def test_the_wrong_password(self, client, teacher):
        refused(client.post(URL, BODY | {"password": "guess"}), 403, "wrong_password")
        assert not Withdrawal.objects.exists()

    def test_no_password(self, client):
        body = {name: value for name, value in BODY.items() if name != "password"}
        assert list(refused(client.post(URL, body), 400, "invalid_request")) == ["password"]

    def test_guesses_are_counted_with_those_at_the_sign_in(self, client, teacher):
        for _ in range(5):
            refused(client.post(URL, BODY | {"password": "guess"}), 403, "wrong_password")
        answer = client.post(URL, BODY)
        refused(answer, 429, "throttled")
        assert int(answer["Retry-After"]) > 0
        credentials = {"email": teacher.email, "password": PASSWORD}
        refused(client_of(None).post("/api/auth/token", credentials), 429, "throttled")
        assert not Withdrawal.objects.exists()

    def test_a_mistyped_password_may_be_mended_under_the_same_key(self, client):
        key = {"Idempotency-Key": "mine"}
        refused(client.post(URL, BODY | {"password": "x"}, headers=key), 403, "wrong_password")
        assert client.post(URL, BODY, headers=key).status_code == 201

    def test_a_known_key_is_no_way_around_the_password(self, client):
        key = {"Idempotency-Key": "mine"}
        client.post(URL, BODY, headers=key)
        refused(client.post(URL, BODY | {"password": "x"}, headers=key), 403, "wrong_password")

    def test_the_password_is_no_part_of_what_a_key_remembers(self, client, teacher):
        """A quick hash of it would be a gift to whoever gets hold of the database."""
        client.post(URL, BODY, headers={"Idempotency-Key": "mine"})
        teacher.set_password("another long password")
        teacher.save()
        again = client_of(teacher).post(
            URL,
            BODY | {"password": "another long password"},
            headers={"Idempotency-Key": "mine"},
        )
        assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
        assert PASSWORD not in IdempotencyRecord.objects.get().body


class TestKeys:
    def test_one_key_reserves_once(self, client, teacher):
        key = {"Idempotency-Key": "mine"}
        first, second = (client.post(URL, BODY, headers=key) for _ in range(2))
        assert second.json() == first.json()
        assert second["Idempotent-Replayed"] == "true"
        assert Withdrawal.objects.count() == 1
        assert available(teacher) == 30

    def test_another_amount_or_account_is_another_request(self, client):
        key = {"Idempotency-Key": "mine"}
        client.post(URL, BODY, headers=key)
        for other in ({"amount": "71.00"}, {"payout_details": "DE89 3704 0044 0532"}):
            answer = client.post(URL, BODY | other, headers=key)
            refused(answer, 422, "idempotency_key_reused")

    def test_taking_back_answers_its_copy_the_same(self, client, teacher):
        path, key = f"{URL}/{withdraw(teacher).pk}", {"Idempotency-Key": "back"}
        first, second = (client.delete(path, headers=key) for _ in range(2))
        assert (first.status_code, second.status_code) == (200, 200)
        assert second.json() == first.json()
        assert available(teacher) == 100


AMOUNTS = [
    "0",
    "0.00",
    "-5",
    "10.001",
    "NaN",
    "Infinity",
    "1e1",
    "1_000",
    "\uff11\uff10",
    " 10",
    "10 ",
]
AMOUNTS += ["", "x", "999999999"]


@pytest.mark.parametrize("amount", [*AMOUNTS, 10, 10.5, True, None, [], {}])
def test_an_amount_is_a_string_of_digits(client, teacher, amount):
    answer = client.post(URL, BODY | {"amount": amount})
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid_amount", "invalid_request")
    assert available(teacher) == 100


@pytest.mark.parametrize(
    "details", ["", "short", " " * 20, "x" * 501, "ES91 \0 2100 0418", 123456789012]
)
def test_payout_details_are_a_text(client, details):
    answer = client.post(URL, BODY | {"payout_details": details})
    assert list(refused(answer, 400, "invalid_request")) == ["payout_details"]


def test_too_little_and_too_much(client):
    answer = client.post(URL, BODY | {"amount": "9.99"})
    assert refused(answer, 409, "below_minimum") == {"minimum": "10.00"}
    details = refused(client.post(URL, BODY | {"amount": "100.01"}), 409, "insufficient_balance")
    assert details == {"required": "100.01", "available": "100.00", "missing": "0.01"}


def test_other_fields_decide_nothing(client, teacher):
    other = UserFactory()
    sent = {"user": str(other.pk), "teacher": str(other.pk), "status": "completed", "balance": "9"}
    details = refused(client.post(URL, BODY | sent), 400, "invalid_request")
    assert details.keys() == sent.keys()
    assert not Withdrawal.objects.exists()
    assert available(teacher) == 100


def test_somebody_elses_is_not_there(teacher):
    made = withdraw(teacher)
    for key in (made.pk, uuid4(), "nonsense"):
        refused(client_of(UserFactory()).delete(f"{URL}/{key}"), 404, "not_found")
    made.refresh_from_db()
    assert made.status == "requested"
    assert client_of(UserFactory()).get(URL).json() == []


def test_nobody_decides_over_the_api(client, teacher):
    path = f"{URL}/{withdraw(teacher).pk}"
    for method in ("post", "put", "patch"):
        refused(getattr(client, method)(path, {"status": "approved"}), 405, "method_not_allowed")
    for verb in ("approve", "complete", "reject"):
        refused(client.post(f"{path}/{verb}"), 404, "not_found")


def test_the_list_goes_on_by_its_link(client, teacher):
    made = [str(withdraw(teacher).pk) for _ in range(3)]
    first = client.get(f"{URL}?limit=2")
    rest = client.get(first["Link"].split(">")[0].lstrip("<"))
    assert [row["id"] for row in first.json() + rest.json()] == made[::-1]


EARNINGS = "/api/payments/earnings"


def test_earnings(client, teacher):
    withdraw(teacher, "40.00")
    withdraw(teacher, "20.00", status="completed")
    course = make_course(sessions=1, teacher=teacher, price_full_course="50.00")
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    found = client.get(EARNINGS).json()
    sessions = found.pop("sessions")
    assert found == {
        "held": "35.00",
        "released": "100.00",
        "available": "40.00",
        "withdrawing": "40.00",
        "paid": "20.00",
        "referrals": {"held": "0.00", "released": "0.00"},
    }
    to_come, past = sessions
    session = course.sessions.get()
    assert (to_come["session_id"], to_come["course_title"]) == (str(session.pk), course.title)
    assert (to_come["students"], to_come["attended"], to_come["status"]) == (1, 0, "held")
    amounts = (to_come["gross"], to_come["commission"], to_come["net"])
    assert amounts == ("50.00", "15.00", "35.00")
    assert to_come["payable_at"] > to_come["starts_at"]
    assert (past["status"], past["net"], past["payable_at"]) == ("released", "100.00", None)
    assert past["paid_at"]


def test_earnings_go_on_by_the_link(client, teacher):
    course = make_course(sessions=3, teacher=teacher)
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    first = client.get(f"{EARNINGS}?limit=3")
    rest = client.get(first["Link"].split(">")[0].lstrip("<"))
    assert len(first.json()["sessions"]) == 3
    assert len(rest.json()["sessions"]) == 1
    assert "Link" not in rest
    refused(client.get(f"{EARNINGS}?limit=0"), 400, "invalid_request")
    refused(client.get(f"{EARNINGS}?cursor=x"), 400, "invalid_request")


def test_a_student_sees_no_earnings_of_others(teacher):
    found = client_of(student_with_credit()).get(EARNINGS).json()
    assert found.pop("sessions") == []
    assert {found["held"], found["released"], found["available"]} == {"0.00"}


def statements(client, path):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize("path", [URL, EARNINGS])
def test_no_list_grows_statement_by_statement(client, teacher, path):
    withdraw(teacher)
    few = statements(client, path)
    course = make_course(sessions=5, teacher=teacher)
    for _ in range(4):
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        withdraw(teacher)
    assert statements(client, path) == few <= 6


def test_asking_costs_the_same_however_much_went_before(client, teacher):
    earn(teacher, "900.00")
    counts = []
    for number in range(4):
        with CaptureQueriesContext(connection) as captured:
            assert (
                client.post(URL, BODY, headers={"Idempotency-Key": str(number)}).status_code == 201
            )
        counts.append(len(captured))
    # The first sign-in from an address asks for more.
    assert counts[1] == counts[2] == counts[3] < 45
