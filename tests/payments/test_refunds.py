"""Credit goes back once, to where it came from, whatever comes between.

A twin is the same without the guard, and the damage that comes of it.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from common.transactions import operation
from payments.errors import ProcessorUnavailable
from payments.models import Dispute, ProcessorEvent, TopUp, TopUpRefund
from payments.processors import stripe
from payments.services import disputes, events, refunds
from payments.services.disputes import settle_all as settle_disputes
from payments.services.disputes import settle_dispute
from payments.services.events import take_event
from payments.services.refunds import settle_all_refunds, settle_refund, settle_refunds_of
from payments.wallets import credit_of, standing_of
from tests.factories import DAY, StaffFactory, owe
from tests.payments.giving_back import FIVE, ask_for, refundable_by, statuses
from tests.payments.paying import TWENTY, agree, tell
from tests.telling import mailed, told, was_told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_are_clean")]


def test_it_is_reserved_sent_and_booked_once(paid, at_stripe):
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    assert (made.status, standing_of(top_up.user).credit) == ("requested", Decimal("8.00"))
    assert at_stripe.asked("create_refund") == []
    for _ in range(3):
        done = settle_refund(made.pk)
    assert (done.status, done.problem) == ("succeeded", "")
    [asked] = at_stripe.asked("create_refund")
    assert asked["key"] == f"refund:{made.pk}"
    [refund] = at_stripe.account.all(kind="refund")
    assert (refund["amount"], refund["id"]) == (1200, done.processor_id)
    assert agree(at_stripe)
    assert was_told(top_up.user, "top_up_refunded") == 1
    assert "can take up to ten days" in " ".join(mailed(told(top_up.user, "top_up_refunded")))


def test_none_is_asked_for_within_a_transaction(paid):
    made = ask_for(paid().user, "12.00")
    with pytest.raises(RuntimeError):
        operation(settle_refund)(made.pk)


@pytest.mark.parametrize("fault", ["drop", "half", "down", "busy", "locked"])
def test_without_an_answer_it_is_sent_once_all_the_same(fault, paid, at_stripe):
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    at_stripe.faults.next(call="create_refund", what=fault, times=2)
    for _ in range(3):
        with suppress(ProcessorUnavailable):
            settle_refund(made.pk)
    assert statuses(top_up.user) == ["succeeded"]
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert agree(at_stripe)


def lose_the_answer_of_days_ago(made, at_stripe):
    at_stripe.faults.next(call="create_refund", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        settle_refund(made.pk)
    at_stripe.advance(3 * 24 * 3600)
    TopUpRefund.objects.update(requested_at=timezone.now() - timedelta(days=3))


def test_once_stripe_forgot_the_key_it_is_looked_for_first(paid, at_stripe):
    made = ask_for(paid().user, "8.00")
    lose_the_answer_of_days_ago(made, at_stripe)
    assert settle_refund(made.pk).status == "succeeded"
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert agree(at_stripe)


def test_twin_that_does_not_look_sends_it_twice(paid, at_stripe, monkeypatch):
    monkeypatch.setattr(stripe, "KEYS_LAST", timedelta(days=100))
    made = ask_for(paid().user, "8.00")
    lose_the_answer_of_days_ago(made, at_stripe)
    settle_refund(made.pk)
    assert len(at_stripe.account.all(kind="refund")) == 2
    assert not agree(at_stripe)


def test_one_on_its_way_waits(paid, at_stripe, client):
    at_stripe.habits(refunds="pending")
    top_up = paid()
    made = settle_refund(ask_for(top_up.user, "12.00").pk)
    assert (made.status, was_told(top_up.user, "top_up_refunded")) == ("sent", 0)
    at_stripe.account.succeed_refund(refund=made.processor_id)
    for message in at_stripe.messages("refund.created", "refund.updated"):
        assert [tell(client, message), tell(client, message)] == [200, 200]
    assert statuses(top_up.user) == ["succeeded"]
    assert agree(at_stripe)


@pytest.mark.parametrize("weeks_later", [False, True])
def test_one_that_fails_is_credit_again_and_staff_are_told(weeks_later, paid, at_stripe, client):
    at_stripe.habits(refunds="succeeded" if weeks_later else "pending")
    top_up, clerk = paid(), StaffFactory()
    made = settle_refund(ask_for(top_up.user, "12.00").pk)
    at_stripe.account.fail_refund(refund=made.processor_id)
    for message in at_stripe.messages():
        assert tell(client, message) == 200
    assert statuses(top_up.user) == ["failed"]
    assert credit_of(top_up.user) == TWENTY
    assert TopUp.objects.get().refunded_amount == 0
    assert agree(at_stripe)
    assert was_told(top_up.user, "refund_failed") == was_told(clerk, "refund_failed_staff") == 1
    assert "expired_or_canceled_card" in " ".join(mailed(told(clerk, "refund_failed_staff")))
    # What was said before it failed is outdated, and nothing of it happens once more.
    said = stripe.Stripe().look_back(made)
    refunds._book(made.pk, replace(said, going=refunds.Going.ARRIVED))
    assert statuses(top_up.user) == ["failed"]
    assert refundable_by(top_up.user) == TWENTY


def test_what_fails_pays_a_debt_first(paid, at_stripe):
    at_stripe.habits(refunds="pending")
    user = paid().user
    made = settle_refund(ask_for(user, "20.00").pk)
    owe(user, "15.00")
    at_stripe.account.fail_refund(refund=made.processor_id)
    settle_refund(made.pk)
    assert standing_of(user)[::2] == (FIVE, 0)


def test_a_refund_that_stripe_refuses_is_credit_again(paid, at_stripe):
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    at_stripe.account.dispute(charge=top_up.charge, inquiry=False)
    done = settle_refund(made.pk)
    assert (done.status, done.failure) == ("failed", "charge_disputed")
    assert credit_of(top_up.user) == TWENTY
    settle_refunds_of(top_up.pk)


def test_what_stripe_refused_because_of_a_dispute_is_no_debt(paid, at_stripe):
    """Its credit is back before the bank's part is taken of it."""
    top_up = paid()
    ask_for(top_up.user, "12.00")
    settle_dispute(at_stripe.account.dispute(charge=top_up.charge)["id"])
    assert statuses(top_up.user) == ["failed"]
    assert standing_of(top_up.user)[::2] == (0, 0)
    assert was_told(top_up.user, "credit_owed") == 0
    assert agree(at_stripe)


def test_twin_who_does_not_ask_first_calls_it_a_debt(paid, at_stripe, monkeypatch, broken):
    """So it is, too, where Stripe doesn't say: what is taken is taken, and the debt goes later."""
    monkeypatch.setattr(disputes, "settle_refunds_of", lambda top_up_id: None)
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    settle_dispute(at_stripe.account.dispute(charge=top_up.charge)["id"])
    assert standing_of(top_up.user).owed == Decimal("12.00")
    assert was_told(top_up.user, "credit_owed") == 1
    assert broken() == {}
    settle_refund(made.pk)
    assert standing_of(top_up.user)[::2] == (0, 0)
    assert TopUp.objects.get().disputed_amount == TWENTY
    assert agree(at_stripe)


def test_a_silent_stripe_keeps_no_dispute_waiting(paid, at_stripe):
    top_up = paid()
    ask_for(top_up.user, "12.00")
    key = at_stripe.account.dispute(charge=top_up.charge)["id"]
    at_stripe.faults.next(call="create_refund", what="down", times=2)
    assert settle_dispute(key).taken == TWENTY
    assert standing_of(top_up.user).owed == Decimal("12.00")


@pytest.mark.parametrize(
    "order", [("dispute", "fail", "win"), ("dispute", "win", "fail"), ("fail", "dispute", "win")]
)
def test_a_refund_that_went_and_a_dispute_of_all_of_it(order, paid, at_stripe, broken):
    """The payer was paid twice, and owes one of them, until either comes back."""
    user = paid().user
    top_up = TopUp.objects.get()
    made = settle_refund(ask_for(user, "20.00").pk)
    keys = []
    moves = {
        "dispute": lambda: keys.append(at_stripe.account.dispute(charge=top_up.charge)["id"]),
        "fail": lambda: at_stripe.account.fail_refund(refund=made.processor_id),
        "win": lambda: at_stripe.account.win(dispute=keys[0]),
    }
    for move in order:
        moves[move]()
        settle_refund(made.pk)
        for key in keys:
            settle_dispute(key)
        assert agree(at_stripe)
        assert broken() == {}
    assert standing_of(user)[::2] == (TWENTY, 0)
    assert (TopUp.objects.get().refunded_amount, TopUp.objects.get().disputed_amount) == (0, 0)


LIES = {"amount": 1300, "currency": "eur", "metadata": {"refund": "none"}}


@pytest.mark.parametrize("lie", LIES)
def test_nothing_follows_from_what_was_not_asked_for(lie, paid, at_stripe):
    at_stripe.habits(refunds="pending")
    made = settle_refund(ask_for(paid().user, "12.00").pk)
    at_stripe.account.succeed_refund(refund=made.processor_id)
    at_stripe.account.lie(key=made.processor_id, fields={lie: LIES[lie]})
    wrong = settle_refund(made.pk)
    assert wrong.status == "sent"
    assert wrong.problem
    assert TopUpRefund.objects.in_question(timezone.now()).get() == wrong
    at_stripe.account.lie(key=made.processor_id, fields={})
    assert (settle_refund(made.pk).status, TopUpRefund.objects.get().problem) == ("succeeded", "")


def test_the_event_before_the_answer_is_about_the_same(paid, at_stripe, client):
    """It names our key, by which we know it before we know its id at Stripe."""
    made = ask_for(paid().user, "12.00")
    at_stripe.faults.next(call="create_refund", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        settle_refund(made.pk)
    for message in at_stripe.messages("refund.created"):
        assert tell(client, message) == 200
    assert TopUpRefund.objects.get().status == "succeeded"
    assert ProcessorEvent.objects.get(type="refund.created").top_up == made.top_up
    assert agree(at_stripe)


def test_the_event_while_the_answer_is_booked_is_about_the_same(paid, at_stripe, monkeypatch):
    """Whoever looks for it by its id, and then by our key, finds it by neither, and leaves it."""
    made = ask_for(paid().user, "12.00")
    at_stripe.faults.next(call="create_refund", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        settle_refund(made.pk)
    (message,) = at_stripe.messages("refund.created")
    event = stripe.receive(message["body"].encode(), message["signature"])
    said = replace(stripe.Stripe().pay_back(made), going=refunds.Going.ON_ITS_WAY)
    asked = []

    def answer_comes(execute, sql, *args):
        result = execute(sql, *args)
        if "processor_id" in sql and sql.startswith("SELECT") and len(asked) < 1:
            asked.append(sql)
            refunds._book(made.pk, said)
        return result

    stored = events._store(event)
    monkeypatch.setattr(events, "_store", lambda event: stored)
    with connection.execute_wrapper(answer_comes):
        take_event(event)
    assert asked
    assert not Dispute.objects.exists()
    assert statuses(made.user) == ["succeeded"]
    assert agree(at_stripe)


def test_the_job_takes_none_of_ours_for_one_of_the_desk(paid, at_stripe):
    top_up = paid()
    settle_refund(ask_for(top_up.user, "5.00").pk)
    lost = ask_for(top_up.user, "12.00")
    at_stripe.faults.next(call="create_refund", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        settle_refund(lost.pk)
    assert [*settle_disputes()] == []
    assert credit_of(top_up.user) == Decimal("3.00")
    settle_refund(lost.pk)
    assert agree(at_stripe)


def test_the_job_finds_one_of_ours_that_a_backup_does_not_know(paid, at_stripe):
    top_up = paid()
    at_stripe.account.refund(charge=top_up.charge, amount=800, metadata={"refund": str(uuid4())})
    assert [*settle_disputes()] == [True]
    assert credit_of(top_up.user) == Decimal("12.00")
    assert agree(at_stripe)


def test_the_job_asks_until_all_is_known(paid, at_stripe):
    at_stripe.habits(refunds="pending")
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    assert [*settle_all_refunds()] == []
    due()
    call_command("settle_top_ups")
    sent = TopUpRefund.objects.get()
    assert sent.status == "sent"
    at_stripe.account.succeed_refund(refund=sent.processor_id)
    due()
    assert [*settle_all_refunds()] == [True]
    assert (statuses(top_up.user), agree(at_stripe)) == (["succeeded"], True)
    # Weeks later, and no message came.
    at_stripe.account.fail_refund(refund=sent.processor_id)
    due()
    assert [*settle_all_refunds()] == [True]
    assert (statuses(top_up.user), agree(at_stripe)) == (["failed"], True)
    assert TopUpRefund.objects.get(pk=made.pk).next_look_at is None


def due():
    TopUpRefund.objects.update(next_look_at=timezone.now())


def test_one_that_arrived_is_asked_about_for_two_months(paid, at_stripe):
    settle_refund(ask_for(paid().user, "12.00").pk)
    pauses = []
    while TopUpRefund.objects.get().next_look_at:
        due()
        assert [*settle_all_refunds()] == [True]
        later = TopUpRefund.objects.get().next_look_at
        if later:
            pauses.append(round((later - timezone.now()) / DAY))
    assert pauses == [1, 2, 4, 8, 16, 32]
