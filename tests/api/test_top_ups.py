"""Top-ups over the API: one for each key, whatever becomes of the answers."""

from decimal import Decimal

import pytest

from payments.models import IdempotencyRecord, TopUp
from payments.services import topups
from payments.wallets import credit_of
from tests.api.conftest import client_of
from tests.factories import UserFactory
from tests.payments.conftest import at_stripe

__all__ = ["at_stripe"]
pytestmark = pytest.mark.django_db

URL = "/api/payments/topups"
BODY = {"amount": "20.00", "method": "stripe"}
KEY = {"HTTP_IDEMPOTENCY_KEY": "k"}


@pytest.fixture
def student():
    return UserFactory()


@pytest.fixture
def client(student, at_stripe):
    return client_of(student)


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    return answer.json()["details"]


def test_ask_pay_look(client, student, at_stripe):
    asked = client.post(URL, BODY)
    assert asked.status_code == 201
    made = asked.json()
    assert (made["status"], made["amount"], made["paid_at"]) == ("created", "20.00", None)
    assert made["live"] is False
    row = TopUp.objects.get(pk=made["id"])
    assert (made["checkout_url"], made["reference"]) == (row.checkout_url, row.reference)
    assert client.get(URL).json() == [made]
    at_stripe.account.pay(session=row.checkout_session)
    paid = client.get(f"{URL}/{made['id']}").json()
    assert (paid["status"], paid["checkout_url"]) == ("paid", "")
    assert credit_of(student) == Decimal("20.00")
    assert client.get(URL).json() == [paid]


def test_the_same_key_is_the_same_top_up_and_the_same_page(client, at_stripe):
    first = client.post(URL, BODY, **KEY)
    again = client.post(URL, BODY, **KEY)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(at_stripe.asked("create_session")) == 1
    refused(client.post(URL, BODY | {"amount": "21.00"}, **KEY), 422, "idempotency_key_reused")
    assert TopUp.objects.count() == 1


def test_a_replay_says_how_it_is_by_now(client, at_stripe):
    made = client.post(URL, BODY, **KEY).json()
    at_stripe.account.pay(session=TopUp.objects.get().checkout_session)
    topups.settle_top_up(TopUp.objects.get().pk)
    again = client.post(URL, BODY, **KEY)
    assert again.status_code == 201
    paid = again.json()
    assert (paid["id"], paid["status"], paid["checkout_url"]) == (made["id"], "paid", "")


@pytest.mark.parametrize("fault", ["drop", "down"])
def test_without_an_answer_of_stripes_the_same_key_opens_the_same_page(client, at_stripe, fault):
    """Twice, because the library itself asks once more."""
    at_stripe.faults.next(call="create_session", what=fault, times=2)
    lost = client.post(URL, BODY, **KEY)
    refused(lost, 503, "processor_unavailable")
    assert lost.headers["Retry-After"] == "5"
    assert TopUp.objects.get().checkout_session is None
    again = client.post(URL, BODY, **KEY)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json()["checkout_url"] == TopUp.objects.get().checkout_url != ""
    assert len({one["text"] for one in at_stripe.asked("create_session")}) == 1


def test_a_crash_before_stripe_is_asked_leaves_what_a_replay_goes_on_with(
    client, at_stripe, monkeypatch
):
    with monkeypatch.context() as broken:
        broken.setattr("payments.api.topups.lead_to_checkout", None)
        assert client.post(URL, BODY, **KEY).status_code == 500
    assert at_stripe.asked() == []
    assert IdempotencyRecord.objects.get().status == 201
    assert client.post(URL, BODY, **KEY).json()["checkout_url"]
    assert TopUp.objects.count() == 1


def test_what_is_refused(client, settings):
    settings.TOP_UPS_PER_HOUR = 1
    details = refused(client.post(URL, BODY | {"amount": "4.99"}), 400, "amount_out_of_range")
    assert details == {"minimum": "5.00", "maximum": "500.00"}
    refused(client.post(URL, BODY | {"amount": "0.00"}), 400, "invalid_amount")
    refused(client.post(URL, BODY | {"method": "gold"}), 400, "invalid_request")
    refused(client.post(URL, BODY | {"method": "rehearsal"}), 503, "processor_unavailable")
    refused(client.post(URL, BODY | {"user": "1"}), 400, "invalid_request")
    assert not TopUp.objects.exists()
    assert client.post(URL, BODY).status_code == 201
    assert refused(client.post(URL, BODY), 429, "throttled")["retry_after"] > 3000


def test_paying_leads_back_to_an_origin_that_may_call_us(client, settings, at_stripe):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    for url in (
        "https://evil.example.org/",
        "https://app.example.org.evil.org/",
        "https://app.example.org@evil.org/",
        "http://app.example.org/",
        "javascript:alert(1)",
        "//app.example.org/",
        "/credit/",
        "https://[",
        "https://app.example.org/a b",
        "https://app.example.org/caf\u00e9",
        "https://app.example.org/\u202e",
        "https://app.example.org/a\tb",
    ):
        assert "return_url" in refused(
            client.post(URL, BODY | {"return_url": url}), 400, "invalid_request"
        ), url
    back = "https://app.example.org/credit?from=topup"
    assert client.post(URL, BODY | {"return_url": back}).status_code == 201
    row = TopUp.objects.get()
    assert (row.return_url, row.parameters["success_url"]) == (back, back)


def test_others_top_ups_are_not_there(client, at_stripe):
    made = client.post(URL, BODY).json()
    stranger = client_of(UserFactory())
    refused(stranger.get(f"{URL}/{made['id']}"), 404, "not_found")
    assert stranger.get(URL).json() == []
    assert len(at_stripe.asked()) == 1


def test_while_stripe_is_silent_it_is_shown_as_we_know_it(client, at_stripe):
    made = client.post(URL, BODY).json()
    with at_stripe.down():
        assert client.get(f"{URL}/{made['id']}").json() == made


def test_looking_often_asks_stripe_now_and_then(client, at_stripe, monkeypatch):
    """However many there are to look at."""
    monkeypatch.setattr(topups, "ASKED_PER_MINUTE", 4)
    made = [client.post(URL, BODY).json() for _ in range(2)]
    for one in made * 4:
        assert client.get(f"{URL}/{one['id']}").json() == one
    assert 2 <= len(at_stripe.asked("retrieve")) <= 6


def test_sending_a_key_again_asks_stripe_now_and_then(client, at_stripe, monkeypatch):
    monkeypatch.setattr(topups, "ASKED_PER_MINUTE", 2)
    at_stripe.faults.next(call="create_session", what="fails")
    answers = [client.post(URL, BODY, **KEY) for _ in range(6)]
    throttled = [one for one in answers if one.status_code == 429]
    assert 2 <= len(throttled) <= 4
    assert refused(throttled[0], 429, "throttled")["retry_after"] <= 60
    assert len(at_stripe.asked("create_session")) < 2 * len(answers)
    assert TopUp.objects.count() == 1
