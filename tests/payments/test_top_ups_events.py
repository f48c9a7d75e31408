"""Only what Stripe signed is heard, and no event is a proof: each guard, and what it keeps away.

A twin is the same without the guard, and the damage that comes of it.
"""

import json
from contextlib import suppress

import pytest
import stripe as library

from payments.errors import ProcessorUnavailable
from payments.models import ProcessorEvent, TopUp, Transfer
from payments.processors import stripe
from payments.services import topups
from payments.services.topups import open_checkout, settle_top_up
from payments.wallets import credit_of
from tests.payments.paying import NOTHING, TWENTY, foreign, pay, sessions_of, tell
from tests.stripe.conftest import client as library_at
from tests.stripe.stand_in import SECRET
from tests.stripe.test_webhooks import signed_by_node

pytestmark = pytest.mark.django_db


def say_paid(at_stripe, top_up, **changes):
    """Stripe tells, and signs, that a session is paid that is not."""
    said = at_stripe.account.get(key=top_up.checkout_session, kind="checkout.session")
    said |= {"payment_status": "paid", "status": "complete"} | changes
    kind = "checkout.session.completed"
    at_stripe.account.forge(kind=kind, thing=said)
    return at_stripe.messages()[-1]


def test_an_event_is_no_proof(opened, at_stripe, client, broken):
    top_up = opened()
    assert tell(client, say_paid(at_stripe, top_up)) == 200
    assert TopUp.objects.get().status == "created"
    assert credit_of(top_up.user) == NOTHING
    assert broken() == {}


def test_twin_who_trusts_the_event_gives_credit_for_nothing(opened, at_stripe, client, monkeypatch):
    class Trusting(stripe.Stripe):
        def look(self, top_up):
            said = library.Event.construct_from(json.loads(message["body"]), "")
            return stripe._found(said.data.object)

    top_up = opened()
    message = say_paid(at_stripe, top_up, payment_intent=None)
    monkeypatch.setattr(topups, "processor_of", lambda method: Trusting())
    assert tell(client, message) == 200
    assert credit_of(top_up.user) == TWENTY
    assert at_stripe.balance == 0


def test_events_in_the_wrong_order_change_nothing(opened, at_stripe, client, broken):
    top_up = opened()
    at_stripe.account.pay_later(session=top_up.checkout_session)
    at_stripe.account.arrive(session=top_up.checkout_session)
    for message in reversed(at_stripe.messages()):
        assert tell(client, message) == 200
    assert TopUp.objects.get().status == "paid"
    assert credit_of(top_up.user) == TWENTY
    assert broken() == {}


def test_an_event_that_comes_before_the_answer_finds_its_top_up(ask, at_stripe, client, broken):
    top_up = ask()
    at_stripe.faults.next(call="create_session", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        open_checkout(top_up)
    (session,) = sessions_of(at_stripe)
    at_stripe.account.pay(session=session)
    assert TopUp.objects.get().checkout_session is None
    assert tell(client, at_stripe.messages("checkout.session.completed")[0]) == 200
    assert TopUp.objects.get().checkout_session == session
    assert credit_of(top_up.user) == TWENTY
    assert broken() == {}


def test_what_is_of_nobody_here_is_noted(at_stripe, client):
    made = library_at(at_stripe.url).v1.checkout.sessions.create(foreign())
    at_stripe.account.pay(session=made.id)
    at_stripe.account.forge(kind="customer.created", thing={"id": "cus_1", "object": "customer"})
    assert {tell(client, message) for message in at_stripe.messages()} == {200}
    notes = [*ProcessorEvent.objects.values_list("note", flat=True)]
    assert len(notes) == 4
    assert all(note.startswith("ignored") for note in notes)
    assert not Transfer.objects.exists()


def test_what_we_cannot_do_is_sent_again(opened, at_stripe, client, broken):
    top_up = opened()
    pay(at_stripe, top_up)
    (message,) = at_stripe.messages("checkout.session.completed")
    at_stripe.faults.next(call="retrieve", what="down", times=2)
    assert tell(client, message) == 503
    assert ProcessorEvent.objects.get().processed_at is None
    assert tell(client, message) == 200
    assert credit_of(top_up.user) == TWENTY
    assert broken() == {}


def test_twin_who_swallows_the_failure_loses_the_credit(opened, at_stripe, client, monkeypatch):
    def swallow(top_up_id):
        with suppress(ProcessorUnavailable):
            settle_top_up(top_up_id)

    monkeypatch.setattr("payments.services.events.settle_top_up", swallow)
    top_up = opened()
    pay(at_stripe, top_up)
    (message,) = at_stripe.messages("checkout.session.completed")
    at_stripe.faults.next(call="retrieve", what="down", times=2)
    assert [tell(client, message), tell(client, message)] == [200, 200]
    assert credit_of(top_up.user) == NOTHING


# --- signatures -----------------------------------------------------------------------------------


@pytest.fixture
def message(opened, at_stripe):
    pay(at_stripe, opened())
    return at_stripe.messages("checkout.session.completed")[0]


def test_only_what_is_signed_is_heard(message, client):
    assert tell(client, message, body=message["body"] + " ") == 401
    assert tell(client, message, signature="") == 401
    last = "1" if message["signature"].endswith("0") else "0"
    assert tell(client, message, signature=message["signature"][:-1] + last) == 401
    assert not ProcessorEvent.objects.exists()
    assert tell(client, message) == 200


def test_twin_who_believes_everybody_writes_down_what_they_say(message, client, monkeypatch):
    monkeypatch.setattr(stripe, "_is_signed", lambda *args: True)
    made_up = message["body"].replace(message["id"], "evt_of_a_stranger")
    assert tell(client, message, body=made_up, signature="t=1,v1=0") == 200
    assert ProcessorEvent.objects.get().event_id == "evt_of_a_stranger"


def test_a_message_is_good_for_five_minutes(message, at_stripe, client, monkeypatch):
    def signed(ago):
        return at_stripe.messages("checkout.session.completed", ago=ago)[0]

    assert tell(client, signed(302)) == 401
    assert tell(client, signed(298)) == 200
    monkeypatch.setattr(stripe, "TOLERANCE_SECONDS", None)
    assert tell(client, signed(302)) == 200  # the twin hears what somebody kept for a year


def test_what_the_library_for_node_signs_is_heard(message, client):
    """It is not ours, and no library that we have."""
    assert tell(client, message, signature=signed_by_node(message["body"], SECRET)) == 200
    assert ProcessorEvent.objects.get().event_id == message["id"]
    assert tell(client, message, signature=signed_by_node(message["body"], "whsec_other")) == 401


def test_two_secrets_while_one_is_changed(message, at_stripe, client, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    assert tell(client, message) == 200
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new"]
    assert tell(client, message) == 401
    at_stripe.post.goes(secrets=["whsec_old", "whsec_new"])
    assert tell(client, at_stripe.messages("checkout.session.completed")[0]) == 200


def test_a_live_event_on_a_test_key_is_refused(opened, at_stripe, client, monkeypatch):
    top_up = opened()
    at_stripe.habits(live=True)
    live = say_paid(at_stripe, top_up)
    assert tell(client, live) == 401
    assert not ProcessorEvent.objects.exists()
    monkeypatch.setattr(stripe, "_key_is_live", lambda: True)
    assert tell(client, live) == 200  # the twin, who takes no notice


@pytest.mark.parametrize(
    ("key", "live"),
    [("sk_live_1", True), ("rk_live_1", True), ("sk_test_1", False), ("rk_test_a_live_1", False)],
)
def test_how_a_key_starts_says_whether_it_is_live(key, live, settings):
    settings.STRIPE_SECRET_KEY = key
    assert stripe.Stripe().is_live() is live
