"""Credit comes once, and only when Stripe itself says `paid`: each guard, and what it keeps away.

A twin is the same without the guard, and the damage that comes of it.
"""

import json
import time
import uuid
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import stripe as library
from django.utils import timezone

from common import silence
from common.transactions import operation
from payments.errors import ProcessorSilent, ProcessorUnavailable
from payments.models import LedgerAccount, ProcessorEvent, TopUp, Transfer
from payments.processors import Paying, stripe
from payments.services import topups
from payments.services.topups import open_checkout, settle_all, settle_top_up
from payments.wallets import credit_of
from tests.factories import UserFactory
from tests.stripe.conftest import client as library_at
from tests.stripe.stand_in import SECRET
from tests.stripe.test_webhooks import signed_by_node

pytestmark = pytest.mark.django_db
HOOK = "/api/webhooks/stripe"
NOTHING = Decimal("0.00")
TWENTY = Decimal("20.00")


def tell(client, message, **changes):
    """Give a message to our webhook; gives the status of its answer."""
    message = message | changes
    return client.post(
        HOOK,
        message["body"],
        content_type="application/json",
        headers={"Stripe-Signature": message["signature"]},
    ).status_code


def pay(stand_in, top_up, **otherwise):
    stand_in.account.pay(session=top_up.checkout_session, **otherwise)


def settled(top_up):
    """The top-up, asked about."""
    return settle_top_up(top_up.pk)


def stripe_account():
    """What the books say lies at Stripe: debited less credited."""
    account = LedgerAccount.objects.get(kind="stripe")
    came, went = (
        sum(rows.values_list("amount", flat=True), NOTHING)
        for rows in (account.debits.all(), account.credits.all())
    )
    return came - went


def agree(stand_in):
    return stripe_account() * 100 == stand_in.balance


# --- what is paid ---------------------------------------------------------------------------------


def test_what_is_paid_is_credited_once_with_its_fee(opened, at_stripe, client, broken):
    top_up = opened()
    pay(at_stripe, top_up)
    (message,) = at_stripe.messages("checkout.session.completed")
    assert [tell(client, message), tell(client, message)] == [200, 200]
    paid = settled(top_up)
    assert (paid.status, paid.fee, paid.problem) == ("paid", Decimal("0.88"), "")
    assert paid.receipt["reference"] == top_up.reference
    assert credit_of(paid.user) == TWENTY
    assert sorted(t.kind for t in Transfer.objects.all()) == ["fee", "top_up"]
    assert ProcessorEvent.objects.count() == 1
    assert agree(at_stripe)
    assert broken() == {}


def test_all_is_asked_once_and_by_its_key(opened, at_stripe):
    top_up = opened()
    (asked,) = at_stripe.asked()
    assert asked["key"] == f"topup:{top_up.pk}"
    assert asked["version"] == stripe.API_VERSION
    assert open_checkout(top_up).checkout_url == top_up.checkout_url
    assert len(at_stripe.asked()) == 1
    pay(at_stripe, top_up)
    settled(top_up)
    settled(top_up)
    assert [one["call"] for one in at_stripe.asked()] == ["create_session", "retrieve"]


@pytest.mark.parametrize(("end", "status"), [("arrive", "paid"), ("bounce", "failed")])
def test_a_slow_payment_is_credited_when_it_arrives(end, status, opened, at_stripe, client, broken):
    top_up = opened()
    at_stripe.account.pay_later(session=top_up.checkout_session)
    assert tell(client, at_stripe.messages()[-1]) == 200
    waiting = TopUp.objects.get()
    assert (waiting.status, waiting.pending_since is None) == ("created", False)
    assert credit_of(top_up.user) == NOTHING
    getattr(at_stripe.account, end)(session=top_up.checkout_session)
    assert tell(client, at_stripe.messages()[-1]) == 200
    assert TopUp.objects.get().status == status
    assert credit_of(top_up.user) == (TWENTY if status == "paid" else NOTHING)
    assert agree(at_stripe)
    assert broken() == {}


def test_twin_who_takes_complete_for_paid_gives_credit_for_nothing(opened, at_stripe, monkeypatch):
    def hasty(session, intent):
        return Paying.PAID if session["status"] == "complete" else Paying.OPEN

    monkeypatch.setattr(stripe, "_paying", hasty)
    top_up = opened()
    at_stripe.account.pay_later(session=top_up.checkout_session)
    settled(top_up)
    at_stripe.account.bounce(session=top_up.checkout_session)
    assert credit_of(top_up.user) == TWENTY
    assert at_stripe.balance == 0


def test_declined_closed_and_expired_give_nothing(opened, at_stripe, client, broken):
    declined, closed, expired = opened(), opened(), opened()
    at_stripe.account.decline(session=declined.checkout_session)
    at_stripe.account.expire(session=expired.checkout_session)
    assert {tell(client, one) for one in at_stripe.messages()} == {200}
    for top_up, status in ((declined, "created"), (closed, "created"), (expired, "expired")):
        assert settled(top_up).status == status
    pay(at_stripe, declined)
    assert settled(declined).status == "paid"
    assert agree(at_stripe)
    assert broken() == {}


def test_a_fee_that_comes_later_is_booked_once_by_the_job(opened, at_stripe, broken):
    at_stripe.habits(fees_later=True)
    top_up = opened()
    pay(at_stripe, top_up)
    assert settled(top_up).fee is None
    assert stripe_account() == TWENTY
    at_stripe.account.book_fees()
    for _ in range(2):
        TopUp.objects.exclude(next_look_at=None).update(next_look_at=timezone.now())
        assert all(settle_all())
    assert agree(at_stripe)
    assert Transfer.objects.filter(kind="fee").count() == 1
    assert broken() == {}


@pytest.mark.parametrize("before", ["expired", "failed"])
def test_a_fee_that_comes_later_is_booked_for_what_had_ended_too(before, opened, at_stripe, broken):
    at_stripe.habits(fees_later=True)
    top_up = opened()
    TopUp.objects.update(status=before, next_look_at=None, looks=9)
    pay(at_stripe, top_up)
    paid = settled(top_up)
    assert (paid.status, paid.fee, paid.looks) == ("paid", None, 0)
    assert paid.next_look_at - paid.paid_at < timedelta(minutes=2)
    at_stripe.account.book_fees()
    TopUp.objects.update(next_look_at=timezone.now())
    assert list(settle_all()) == [True]
    assert TopUp.objects.get().next_look_at is None
    assert agree(at_stripe)
    assert broken() == {}


def test_without_any_message_the_job_finds_what_was_paid(opened, at_stripe, broken):
    paid, open_ = opened(), opened()
    pay(at_stripe, paid)
    TopUp.objects.update(next_look_at=timezone.now())
    assert list(settle_all()) == [True, True]
    assert {one.pk: one.status for one in TopUp.objects.all()} == {
        paid.pk: "paid",
        open_.pk: "created",
    }
    assert agree(at_stripe)
    assert broken() == {}


# --- what Stripe says of another sum, currency, session, person or mode ---------------------------

LIES = {
    "amount": {"amount_total": 2001},
    "currency": {"currency": "eur"},
    "checkout": {"id": "cs_test_of_another"},
    "top-up": {"client_reference_id": str(uuid.uuid4())},
    "mode": {"livemode": True},
}


@pytest.mark.parametrize("about", LIES)
def test_nothing_follows_from_what_we_did_not_ask_for(about, opened, at_stripe, broken):
    top_up = opened()
    pay(at_stripe, top_up)
    at_stripe.account.lie(key=top_up.checkout_session, fields=LIES[about])
    wrong = settled(top_up)
    assert (wrong.status, about in wrong.problem) == ("created", True)
    assert credit_of(top_up.user) == NOTHING
    assert broken() == {}
    at_stripe.account.lie(key=top_up.checkout_session, fields={})
    right = settled(top_up)
    assert (right.status, right.problem) == ("paid", "")
    assert agree(at_stripe)


@pytest.mark.parametrize("about", LIES)
def test_twin_without_the_comparison_credits_what_was_never_asked(
    about, opened, at_stripe, monkeypatch
):
    look = topups._mismatch

    def blind(top_up, found):
        parts = look(top_up, found).split("; ")
        return "; ".join(part for part in parts if not part.startswith(about))

    monkeypatch.setattr(topups, "_mismatch", blind)
    top_up = opened()
    pay(at_stripe, top_up)
    at_stripe.account.lie(key=top_up.checkout_session, fields=LIES[about])
    assert settled(top_up).status == "paid"
    assert credit_of(top_up.user) == TWENTY


def test_who_pays_less_has_no_more_credit(opened, at_stripe, monkeypatch):
    """And the twin: 20.00 for what was paid with 0.50."""
    first, second = opened(), opened()
    for top_up in (first, second):
        pay(at_stripe, top_up, amount=50)
    assert settled(first).problem
    assert credit_of(first.user) == NOTHING
    monkeypatch.setattr(topups, "_mismatch", lambda top_up, found: "")
    settled(second)
    assert credit_of(second.user) == TWENTY
    assert not agree(at_stripe)


# --- events ---------------------------------------------------------------------------------------


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


def foreign() -> Any:
    """Of another shop with the same account."""
    price = {"currency": "usd", "unit_amount": 2000, "product_data": {"name": "A shirt"}}
    items = [{"quantity": 1, "price_data": price}]
    return {"mode": "payment", "success_url": "https://shop.example/", "line_items": items}


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


# --- the key, and what goes with it ---------------------------------------------------------------


def sessions_of(at_stripe):
    return [one["id"] for one in at_stripe.account.all(kind="checkout.session")]


def lose_the_answer(at_stripe, top_up):
    """Stripe opens a page, and nobody hears which."""
    at_stripe.faults.next(call="create_session", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        open_checkout(top_up)


def test_a_page_whose_answer_was_lost_is_the_one_that_is_paid(ask, at_stripe, broken):
    top_up = ask()
    lose_the_answer(at_stripe, top_up)
    opened = open_checkout(top_up)
    assert sessions_of(at_stripe) == [opened.checkout_session]
    pay(at_stripe, opened)
    assert settled(opened).status == "paid"
    assert agree(at_stripe)
    assert broken() == {}


def test_twin_without_the_key_opens_pages_that_nobody_asks_about(ask, at_stripe, monkeypatch):
    create = library.checkout.SessionService.create
    monkeypatch.setattr(
        library.checkout.SessionService,
        "create",
        lambda service, parameters, options=None: create(service, parameters),
    )
    top_up = ask()
    lose_the_answer(at_stripe, top_up)
    (lost,) = sessions_of(at_stripe)
    opened = open_checkout(top_up)
    at_stripe.account.pay(session=lost)
    assert settled(opened).status == "created"
    assert len(sessions_of(at_stripe)) == 2
    assert not agree(at_stripe)


def test_what_is_sent_is_in_the_row_whatever_is_set_since(ask, at_stripe, settings):
    top_up = ask()
    lose_the_answer(at_stripe, top_up)
    settings.STRIPE_METHODS, settings.STRIPE_STATEMENT_DESCRIPTOR = ["card", "link"], "LEARN"
    assert open_checkout(TopUp.objects.get()).checkout_session == sessions_of(at_stripe)[0]


def test_a_repeat_says_the_same_in_whatever_order_the_database_keeps_it(ask, at_stripe):
    top_up = ask()
    lose_the_answer(at_stripe, top_up)
    top_up.parameters = dict(reversed(top_up.parameters.items()))
    assert open_checkout(top_up).checkout_session == sessions_of(at_stripe)[0]


def test_twin_who_works_it_out_anew_is_refused_for_ever(ask, at_stripe, settings, monkeypatch):
    top_up = ask()
    lose_the_answer(at_stripe, top_up)
    settings.STRIPE_STATEMENT_DESCRIPTOR = "LEARN"
    top_up.parameters = stripe.Stripe().parameters(top_up, back="https://learn.example/")
    with pytest.raises(ProcessorUnavailable) as refused:
        open_checkout(top_up)
    assert isinstance(refused.value.__cause__, library.IdempotencyError)


def test_a_page_that_stripe_refuses_for_good_expires_unpaid(ask, at_stripe, broken):
    """Its key keeps the failure: another top-up has another."""
    top_up = ask()
    at_stripe.faults.next(call="create_session", what="fails")
    for _ in range(2):
        with pytest.raises(ProcessorUnavailable):
            open_checkout(top_up)
    TopUp.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert settled(top_up).status == "expired"
    assert broken() == {}


# --- what Stripe does not say ---------------------------------------------------------------------


@pytest.mark.parametrize("what", ["drop", "half", "down", "busy", "locked"])
def test_one_bad_answer_is_asked_for_again(what, ask, at_stripe, broken):
    at_stripe.faults.next(call="create_session", what=what)
    with suppress(ProcessorUnavailable):
        open_checkout(ask())
    opened = open_checkout(TopUp.objects.get())
    assert sessions_of(at_stripe) == [opened.checkout_session]
    pay(at_stripe, opened)
    at_stripe.faults.next(call="retrieve", what=what)
    with suppress(ProcessorUnavailable):
        settled(opened)
    assert settled(opened).status == "paid"
    assert credit_of(opened.user) == TWENTY
    assert broken() == {}


def test_a_stripe_that_is_away_loses_nothing(opened, ask, at_stripe, broken):
    paid, asked = opened(), ask()
    pay(at_stripe, paid)
    with at_stripe.down():
        for act in (lambda: settled(paid), lambda: open_checkout(asked)):
            with pytest.raises(ProcessorUnavailable):
                act()
        assert credit_of(paid.user) == NOTHING
    assert settled(paid).status == "paid"
    assert open_checkout(asked).checkout_url
    assert broken() == {}


def test_a_stripe_that_left_one_waiting_keeps_no_other(ask, at_stripe, monkeypatch):
    """It is not even tried, until a while later."""
    now = [1000.0]
    monkeypatch.setattr(silence.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(stripe, "_silence", silence.Silence())
    monkeypatch.setattr(stripe, "SILENT_SECONDS", 10)
    at_stripe.faults.next(call="create_session", what="drop", times=2)
    with pytest.raises(ProcessorSilent):
        open_checkout(ask())
    tried = len(at_stripe.asked())
    for seconds in (0, 9):
        now[0] = 1000.0 + seconds
        with pytest.raises(ProcessorSilent):
            open_checkout(ask())
    assert len(at_stripe.asked()) == tried
    now[0] = 1010.0
    assert open_checkout(ask()).checkout_url


@pytest.fixture
def impatient(monkeypatch):
    """Half a second is long, within."""

    @contextmanager
    def within():
        with monkeypatch.context() as changed:
            changed.setattr(stripe, "READ_SECONDS", 0.5)
            stripe._client_for.cache_clear()
            yield
        stripe._client_for.cache_clear()

    return within


@pytest.mark.parametrize("what", ["drip", "ebb"])
def test_an_answer_that_drips_keeps_nobody_waiting(what, ask, opened, at_stripe, impatient):
    """Each byte comes soon after the one before, and the last of them long after the first."""
    asked, paid = ask(), opened()
    pay(at_stripe, paid)
    with impatient():
        for call, act in (
            ("create_session", lambda: open_checkout(asked)),
            ("retrieve", lambda: settled(paid)),
        ):
            at_stripe.faults.next(call=call, what=what, times=2, seconds=20)
            begun = time.monotonic()
            with pytest.raises(ProcessorSilent):
                act()
            assert time.monotonic() - begun < 5
    assert open_checkout(asked).checkout_url
    assert settled(paid).status == "paid"
    assert credit_of(paid.user) == TWENTY


def test_nobody_asks_stripe_inside_an_operation(opened, ask, at_stripe):
    known = len(at_stripe.asked())
    for act, top_up in ((settled, opened()), (open_checkout, ask())):
        with pytest.raises(RuntimeError):
            operation(act)(top_up)
    assert len(at_stripe.asked()) == known + 1


def test_the_same_session_is_credited_once_for_ever(opened, at_stripe, monkeypatch):
    """The last of the guards, where all others are gone; and its twin."""
    top_up, other = opened(), opened()
    for one in (top_up, other):
        pay(at_stripe, one)
        settled(one)
        TopUp.objects.filter(pk=one.pk).update(
            status="created", paid_at=None, receipt=None, fee_booked_at=None
        )
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        settled(top_up)
    assert credit_of(top_up.user) == TWENTY
    make = topups.Entry
    monkeypatch.setattr(
        topups, "Entry", lambda **fields: make(**fields | {"dedupe_key": uuid.uuid4().hex})
    )
    settled(other)
    assert credit_of(other.user) == 2 * TWENTY


def test_who_is_it_of_is_the_payer_alone(opened, at_stripe):
    mine, theirs = opened(UserFactory()), opened(UserFactory())
    pay(at_stripe, theirs)
    assert settled(mine).status == "created"
    assert settled(theirs).status == "paid"
    assert (credit_of(mine.user), credit_of(theirs.user)) == (NOTHING, TWENTY)


def all_due(*top_ups):
    """In this order."""
    now = timezone.now()
    for place, top_up in enumerate(top_ups):
        due = now - timedelta(seconds=60 - place)
        TopUp.objects.filter(pk=top_up.pk).update(next_look_at=due)


def test_two_that_stripe_refuses_keep_nobody_waiting(ask, opened, at_stripe):
    refused, honest = [ask(), ask()], opened()
    TopUp.objects.filter(pk__in=[one.pk for one in refused]).update(parameters={"mode": "gift"})
    pay(at_stripe, honest)
    all_due(*refused, honest)
    assert list(settle_all()) == [False, False, True]
    assert credit_of(honest.user) == TWENTY


@pytest.mark.parametrize("what", ["drop", "half", "down", "busy"])
def test_two_without_an_answer_end_the_pass(what, ask, at_stripe):
    all_due(ask(), ask(), ask())
    at_stripe.faults.next(call="create_session", what=what, times=9)
    assert list(settle_all()) == [False, False]


@pytest.mark.stripe_mock
def test_each_request_of_ours_is_one_that_stripe_knows(opened, at_stripe, stripe_mock, settings):
    """stripe-mock knows what it may say, and not what we mean: see test_stripe_mock."""
    settings.STRIPE_METHODS, settings.STRIPE_STATEMENT_DESCRIPTOR = ["card", "link"], "LEARN"
    settled(opened())
    asked = at_stripe.asked()
    assert {one["call"] for one in asked} == {"create_session", "retrieve"}
    for one in asked:
        method = "GET" if one["call"] == "retrieve" else "POST"
        answer = stripe_mock.ask(method, one["path"], one["text"])
        assert answer.status_code == 200, answer.text
