"""Credit comes once, and only when Stripe itself says `paid`: each guard, and what it keeps away.

A twin is the same without the guard, and the damage that comes of it.
"""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from common.transactions import operation
from payments.models import ProcessorEvent, TopUp, Transfer
from payments.processors import Paying, stripe
from payments.services import topups
from payments.services.topups import open_checkout, settle_all
from payments.wallets import credit_of
from tests.factories import UserFactory
from tests.payments.paying import NOTHING, TWENTY, agree, pay, settled, stripe_account, tell

pytestmark = pytest.mark.django_db


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


def test_nobody_asks_stripe_inside_an_operation(opened, ask, at_stripe):
    known = len(at_stripe.asked())
    for act, top_up in ((settled, opened()), (open_checkout, ask())):
        with pytest.raises(RuntimeError):
            operation(act)(top_up)
    assert len(at_stripe.asked()) == known + 1


@pytest.mark.both
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
