"""A page is opened once, and paid for once, whatever Stripe leaves unsaid.

A twin is the same without the guard, and the damage that comes of it.
"""

import time
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
import stripe as library
from django.utils import timezone

from common import silence
from payments.errors import ProcessorSilent, ProcessorUnavailable
from payments.models import TopUp
from payments.processors import stripe
from payments.services.topups import open_checkout, settle_all
from payments.wallets import credit_of
from tests.payments.paying import NOTHING, TWENTY, agree, pay, sessions_of, settled

pytestmark = pytest.mark.django_db


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


@pytest.mark.both
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
