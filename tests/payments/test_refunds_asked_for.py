"""Credit is asked back once: over the API, on pages, and by staff."""

from uuid import uuid4

import pytest

from payments.models import TopUpRefund
from payments.wallets import credit_of
from tests.api.conftest import client_of
from tests.factories import StaffFactory, UserFactory, give_credit, student_with_credit
from tests.payments.giving_back import age, statuses
from tests.payments.paying import agree

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_are_clean")]

URL = "/api/payments/refunds"


# --- over the API ---------------------------------------------------------------------------------


def test_the_same_key_is_the_same_refund(paid, at_stripe):
    user = paid().user
    api = client_of(user)
    assert api.get("/api/payments/wallet").json()["refundable"] == "20.00"
    once = [api.post(URL, {"amount": "12.00"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in once] == [201, 201]
    first, again = (answer.json() for answer in once)
    assert first == again
    assert (first["status"], first["amount"]) == ("succeeded", "12.00")
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert api.get(URL).json() == [first]
    assert api.get("/api/payments/wallet").json()["refundable"] == "8.00"
    assert client_of(UserFactory()).get(URL).json() == []


def test_one_request_may_be_several_refunds(paid):
    user = paid().user
    paid(user, "10.00")
    made = client_of(user).post(URL, {"amount": "25.00"}).json()
    assert [part["amount"] for part in made["parts"]] == ["10.00", "15.00"]
    assert made["amount"] == "25.00"
    [listed] = client_of(user).get(URL).json()
    assert listed == made


def test_a_silent_stripe_takes_nothing_away(paid, at_stripe):
    user = paid().user
    at_stripe.faults.next(call="create_refund", what="down", times=2)
    answer = client_of(user).post(URL, {"amount": "12.00"}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["status"]) == (201, "requested")
    again = client_of(user).post(URL, {"amount": "12.00"}, headers={"Idempotency-Key": "k"})
    assert again.json()["status"] == "succeeded"


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        ("20.01", 409, "not_refundable"),
        ("0.00", 400, "invalid_amount"),
        ("1e1", 400, "invalid_amount"),
    ],
)
def test_refused(amount, status, code, paid):
    answer = client_of(paid().user).post(URL, {"amount": amount})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- on pages -------------------------------------------------------------------------------------


def test_the_pages_say_where_it_goes_and_do_it_once(paid, client, at_stripe):
    top_up = paid()
    client.force_login(top_up.user)
    page = client.get("/credit/")
    assert 'value="20.00"' in page.text
    confirm = client.get("/credit/refund/", {"amount": "12.00"})
    assert top_up.reference in confirm.text
    assert "Refund $12.00" in confirm.text
    form = {"amount": "12.00", "idempotency_key": "k"}
    for _ in range(2):
        done = client.post("/credit/refund/", form, follow=True)
        assert "$12.00 is on its way" in done.text
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert "Refunded to you" in done.text
    refused = client.post("/credit/refund/", {"amount": "12.00", "idempotency_key": "l"})
    assert refused.status_code == 409
    assert "You can have $8.00 refunded." in refused.text
    assert client.get("/credit/refund/", {"amount": "9.00"}).status_code == 302


def test_the_page_says_which_part_of_it_failed(paid, client, at_stripe):
    user = paid().user
    newest = paid(user, "10.00")
    at_stripe.account.dispute(charge=newest.charge)
    client.force_login(user)
    form = {"amount": "25.00", "idempotency_key": "k"}
    done = client.post("/credit/refund/", form, follow=True)
    assert "$15.00 is on its way" in done.text
    assert "$10.00 couldn&#x27;t be refunded" in done.text


def test_the_page_says_why_not_all_credit_can_go_back(paid, client):
    user = paid().user
    client.force_login(user)
    why = "A top-up can be refunded for 60 days"
    assert why not in client.get("/credit/").text
    give_credit(user, "1.00")
    assert why in client.get("/credit/").text


def test_who_has_nothing_to_refund_is_not_asked(client):
    user = student_with_credit("10.00")
    client.force_login(user)
    assert "go back to where you paid" not in client.get("/credit/").text
    assert client.get("/credit/refund/").status_code == 302


def test_staff_refund_on_the_screen_of_the_top_up(paid, client, at_stripe):
    top_up = paid()
    age(top_up, 400)
    give_credit(top_up.user, "1.00")
    client.force_login(StaffFactory())
    at = "/admin/payments/topup/decide/refund/"
    page = client.get(at, {"top_up": top_up.pk})
    assert "The payment provider keeps its fee of $0.88." in page.text
    assert page.text.index("-amount") < page.text.index("-reason")
    sent = {
        "top_up": top_up.pk,
        f"{top_up.pk}-amount": "20.00",
        f"{top_up.pk}-reason": "Moved away",
        f"{top_up.pk}-request_id": uuid4(),
    }
    wrong = client.post(at, sent | {f"{top_up.pk}-amount": "a lot"})
    assert "Please correct the mistakes below." in wrong.text
    for _ in range(2):
        assert client.post(at, sent, follow=True).status_code == 200
    assert "View on site" not in client.get(f"/admin/payments/topup/{top_up.pk}/change/").text
    assert statuses(top_up.user) == ["succeeded"]
    assert TopUpRefund.objects.get().reason == "Moved away"
    assert credit_of(top_up.user) == 1
    assert client.get("/admin/payments/topuprefund/").status_code == 200
    assert client.get(f"/admin/payments/topuprefund/{TopUpRefund.objects.get().pk}/change/")
    assert agree(at_stripe)
