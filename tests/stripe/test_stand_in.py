"""The official library talks to the tests' own Stripe, and takes it for Stripe."""

import time

import pytest
import stripe

from tests.stripe.account import VERSION
from tests.stripe.conftest import asked, client

HOUR = 3600
EVERYTHING = ["payment_intent.latest_charge.balance_transaction"]


def look(library, session):
    return library.v1.checkout.sessions.retrieve(session.id, {"expand": EVERYTHING})


def types(stand_in):
    return [message["type"] for message in stand_in.messages()]


def charge_of(library, session):
    return look(library, session).payment_intent.latest_charge


# --- Checkout -----------------------------------------------------------------------------------


def test_a_session_is_what_was_asked_for(open_session, library, stand_in):
    made = open_session()
    assert made.id.startswith("cs_test_")
    assert (made.status, made.payment_status, made.amount_total) == ("open", "unpaid", 2500)
    assert made.url == f"{stand_in.url}/c/pay/{made.id}"
    assert made.metadata["top_up"] == made.client_reference_id == "17"
    assert made.adaptive_pricing.enabled is False
    assert library.v1.checkout.sessions.retrieve(made.id).to_dict() == made.to_dict()


def test_what_is_paid_is_there_with_its_charge_and_fee(open_session, library, stand_in):
    made = open_session()
    stand_in.account.pay(session=made.id)
    paid = look(library, made)
    charge = paid.payment_intent.latest_charge
    booked = charge.balance_transaction
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (paid.payment_intent.amount_received, charge.amount) == (2500, 2500)
    assert charge.metadata["top_up"] == paid.payment_intent.metadata["top_up"] == "17"
    assert (booked.amount, booked.fee, booked.net) == (2500, 103, 2397)
    assert stand_in.balance == 2397
    assert library.v1.balance.retrieve().pending[0].amount == 2397
    assert types(stand_in)[-1] == "checkout.session.completed"


def test_a_declined_card_leaves_the_session_open(open_session, library, stand_in):
    made = open_session()
    stand_in.account.decline(session=made.id)
    declined = look(library, made)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    assert declined.payment_intent.status == "requires_payment_method"
    stand_in.account.pay(session=made.id)
    assert look(library, made).payment_intent.id == declined.payment_intent.id
    assert stand_in.balance == 2397


@pytest.mark.parametrize(
    ("end", "status", "told"),
    [
        ("arrive", "paid", "checkout.session.async_payment_succeeded"),
        ("bounce", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_slow_payment_is_complete_before_it_is_paid(
    end, status, told, open_session, library, stand_in
):
    made = open_session()
    stand_in.account.pay_later(session=made.id)
    promised = look(library, made)
    assert (promised.status, promised.payment_status) == ("complete", "unpaid")
    assert types(stand_in) == ["checkout.session.completed"]
    assert stand_in.balance == 0
    getattr(stand_in.account, end)(session=made.id)
    assert look(library, made).payment_status == status
    assert types(stand_in)[-1] == told


def test_nobody_pays_a_session_that_is_over(open_session, library, stand_in):
    by_request, by_time = open_session(), open_session(expires_at=int(time.time()) + HOUR)
    assert library.v1.checkout.sessions.expire(by_request.id).status == "expired"
    stand_in.advance(HOUR + 1)
    assert look(library, by_time).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        library.v1.checkout.sessions.expire(by_request.id)
    assert types(stand_in) == ["checkout.session.expired"] * 2


def test_a_fee_may_come_later(open_session, library, stand_in):
    stand_in.habits(fees_later=True)
    made = open_session()
    stand_in.account.pay(session=made.id)
    assert charge_of(library, made).balance_transaction is None
    assert stand_in.balance == 0
    assert stand_in.account.book_fees() == 1
    assert charge_of(library, made).balance_transaction.fee == 103
    assert types(stand_in)[-1] == "charge.updated"


@pytest.mark.parametrize(
    "changes",
    [
        {"nope": "1"},
        {"metadata": {"a": "b" * 501}},
        {"expires_at": "soon"},
        {"expires_at": int(time.time()) + 60},
        {"expires_at": int(time.time()) + 25 * HOUR},
        {"line_items": []},
        {"line_items": [{"price_data": {"unit_amount": 2500}}]},
        {"adaptive_pricing": {"enabled": "perhaps"}},
        {"payment_intent_data": {"statement_descriptor": "FOR A CARD"}},
        {"payment_intent_data": {"statement_descriptor_suffix": "LONGER THAN IT MAY EVER BE"}},
        {"success_url": ""},
    ],
)
def test_what_stripe_refuses_is_refused(changes, open_session):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        open_session(**changes)
    assert refused.value.http_status == 400
    assert refused.value.request_id.startswith("req_")


def test_what_is_not_there_and_who_may_not_ask(library, stand_in):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        library.v1.checkout.sessions.retrieve("cs_test_nothing")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.AuthenticationError):
        client(stand_in.url, "sk_test_another").v1.balance.retrieve()


def test_only_what_can_be_is_expanded(open_session, library):
    made = open_session()
    with pytest.raises(stripe.InvalidRequestError):
        library.v1.checkout.sessions.retrieve(made.id, {"expand": ["metadata"]})


def test_lists_are_pages_the_newest_first(open_session, library, stand_in):
    made = [open_session() for _ in range(3)]
    for one in made:
        stand_in.account.pay(session=one.id)
    first = library.v1.checkout.sessions.list({"limit": 2})
    assert [one.id for one in first.data] == [made[2].id, made[1].id]
    assert [one.id for one in first.auto_paging_iter()] == [one.id for one in reversed(made)]
    intent = look(library, made[0]).payment_intent
    assert len(library.v1.charges.list({"payment_intent": intent.id}).data) == 1
    since = {"created": {"gt": int(time.time()) + HOUR}}
    assert library.v1.balance_transactions.list(since).data == []
    event = library.v1.events.list({"type": "checkout.session.completed"}).data[0]
    assert library.v1.events.retrieve(event.id).data.object["id"] == made[2].id


# --- keys ---------------------------------------------------------------------------------------


def test_a_key_is_answered_as_the_first_time(open_session, stand_in):
    key = {"idempotency_key": "topup:17"}
    first = open_session(key)
    stand_in.account.pay(session=first.id)
    again = open_session(key)
    assert again.to_dict() == first.to_dict()
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert open_session({"idempotency_key": "topup:18"}).id != first.id


def test_a_key_with_anything_else_is_an_error(open_session, library):
    made = open_session({"idempotency_key": "topup:17"})
    for ask in (
        lambda: open_session({"idempotency_key": "topup:17"}, client_reference_id="18"),
        lambda: library.v1.checkout.sessions.expire(
            made.id, options={"idempotency_key": "topup:17"}
        ),
    ):
        with pytest.raises(stripe.IdempotencyError) as refused:
            ask()
        assert refused.value.http_status == 400


def test_a_key_is_kept_for_a_day(open_session, stand_in):
    key = {"idempotency_key": "topup:17"}
    first = open_session(key)
    stand_in.advance(24 * HOUR + 1)
    assert open_session(key).id != first.id


def test_a_key_keeps_what_failed_and_not_what_was_never_begun(open_session, stand_in):
    key = {"idempotency_key": "topup:17"}
    with pytest.raises(stripe.InvalidRequestError):
        open_session(key, nope="1")
    stand_in.faults.next(call="create_session", what="down")
    with pytest.raises(stripe.APIError):
        open_session(key)
    assert open_session(key).status == "open"
    stand_in.faults.next(call="create_session", what="fails")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            open_session({"idempotency_key": "topup:18"})
        assert failed.value.http_status == 500


# --- refunds and disputes -----------------------------------------------------------------------


@pytest.fixture
def charge(open_session, library, stand_in):
    made = open_session()
    stand_in.account.pay(session=made.id)
    return charge_of(library, made)


def test_a_refund_takes_its_money_and_no_more_than_is_left(charge, library, stand_in):
    made = library.v1.refunds.create({"payment_intent": charge.payment_intent, "amount": 1000})
    assert (made.status, made.charge) == ("succeeded", charge.id)
    assert library.v1.charges.retrieve(charge.id).amount_refunded == 1000
    assert stand_in.balance == 2397 - 1000
    with pytest.raises(stripe.InvalidRequestError):
        library.v1.refunds.create({"charge": charge.id, "amount": 1501})
    library.v1.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        library.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_already_refunded"
    assert stand_in.balance == -103
    assert types(stand_in)[-2:] == ["refund.created", "charge.refunded"]


def test_a_refund_may_fail_weeks_later(charge, library, stand_in):
    made = library.v1.refunds.create({"charge": charge.id})
    stand_in.advance(21 * 24 * HOUR)
    stand_in.account.fail_refund(refund=made.id)
    failed = library.v1.refunds.retrieve(made.id, {"expand": ["failure_balance_transaction"]})
    assert failed.status == "failed"
    assert failed.failure_balance_transaction.amount == 2500
    assert library.v1.charges.retrieve(charge.id).amount_refunded == 0
    assert stand_in.balance == 2397
    assert types(stand_in)[-1] == "refund.failed"


def test_a_refund_may_be_pending(charge, library, stand_in):
    stand_in.habits(refunds="pending")
    made = library.v1.refunds.create({"charge": charge.id})
    assert made.status == "pending"
    stand_in.account.succeed_refund(refund=made.id)
    assert library.v1.refunds.retrieve(made.id).status == "succeeded"


def test_a_dispute_takes_money_and_a_win_gives_it_back(charge, library, stand_in):
    opened = stand_in.account.dispute(charge=charge.id, amount=2000)
    found = library.v1.disputes.retrieve(opened["id"])
    assert (found.status, found.amount) == ("needs_response", 2000)
    assert (found.balance_transactions[0].amount, found.balance_transactions[0].fee) == (
        -2000,
        1500,
    )
    assert stand_in.balance == 2397 - 3500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        library.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_disputed"
    library.v1.disputes.update(found.id, {"evidence": {"product_description": "A course"}})
    assert library.v1.disputes.retrieve(found.id).status == "under_review"
    stand_in.account.win(dispute=found.id)
    won = library.v1.disputes.retrieve(found.id)
    assert (won.status, won.balance_transactions[1].amount) == ("won", 2000)
    assert stand_in.balance == 2397 - 1500
    assert types(stand_in)[-2:] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]


def test_an_inquiry_takes_nothing_until_it_is_a_dispute(charge, library, stand_in):
    opened = stand_in.account.dispute(charge=charge.id, inquiry=True)
    assert library.v1.disputes.retrieve(opened["id"]).status == "warning_needs_response"
    assert stand_in.balance == 2397
    stand_in.account.escalate(dispute=opened["id"])
    stand_in.account.lose(dispute=opened["id"])
    assert library.v1.disputes.retrieve(opened["id"]).status == "lost"
    assert stand_in.balance == 2397 - 4000


# --- what goes wrong ----------------------------------------------------------------------------


def test_a_lie_is_shown_and_told(open_session, library, stand_in):
    made = open_session()
    stand_in.account.lie(key=made.id, fields={"amount_total": 1})
    stand_in.account.pay(session=made.id)
    assert look(library, made).amount_total == 1
    assert look(library, made).payment_intent.amount == 2500
    other = open_session()
    stand_in.account.pay(session=other.id, amount=100, currency="jpy")
    paid = look(library, other)
    assert (paid.amount_total, paid.currency, paid.payment_intent.amount) == (100, "jpy", 100)


@pytest.mark.parametrize("what", ["silence", "drop", "half"])
def test_an_answer_that_does_not_come_leaves_it_done(what, stand_in):
    impatient = client(stand_in.url, http_client=stripe.RequestsClient(timeout=0.5))
    stand_in.faults.next(call="create_session", what=what)
    with pytest.raises((stripe.APIConnectionError, stripe.APIError)):
        impatient.v1.checkout.sessions.create(asked(), {"idempotency_key": "topup:17"})
    again = impatient.v1.checkout.sessions.create(asked(), {"idempotency_key": "topup:17"})
    assert [one.id for one in impatient.v1.checkout.sessions.list().data] == [again.id]


@pytest.mark.parametrize("what", ["deaf", "down", "busy", "locked"])
def test_what_was_not_heard_is_not_done(what, stand_in):
    impatient = client(stand_in.url, http_client=stripe.RequestsClient(timeout=0.5))
    stand_in.faults.next(call="create_session", what=what)
    with pytest.raises(stripe.StripeError):
        impatient.v1.checkout.sessions.create(asked())
    assert impatient.v1.checkout.sessions.list().data == []


def test_faults_that_chance_brings_are_those_of_the_seed(open_session, stand_in):
    def outcomes():
        stand_in.faults.chance(calls={"create_session": [[0.3, "down"]]}, seed=5)
        for _ in range(12):
            try:
                yield bool(open_session())
            except stripe.APIError:
                yield False

    first = list(outcomes())
    assert {*first} == {True, False}
    assert list(outcomes()) == first


def test_it_is_the_stripe_of_one_version(open_session, stand_in):
    open_session()
    assert stand_in.asked("create_session")[0]["version"] == VERSION == stripe.api_version
    with pytest.raises(stripe.InvalidRequestError):
        open_session({"stripe_version": "2025-01-27.acacia"})


def test_a_stripe_that_was_away_knows_what_it_knew(open_session, library, stand_in):
    made = open_session({"idempotency_key": "topup:17"})
    stand_in.account.pay(session=made.id)
    with stand_in.down(), pytest.raises(stripe.APIConnectionError):
        look(library, made)
    assert look(library, made).payment_status == "paid"
    assert open_session({"idempotency_key": "topup:17"}).id == made.id
    assert stand_in.balance == 2397
    assert len(stand_in.messages("checkout.session.completed")) == 1


def test_one_that_is_stopped_says_nothing(stand_in):
    impatient = client(stand_in.url, http_client=stripe.RequestsClient(timeout=0.3))
    with stand_in.stopped(), pytest.raises(stripe.APIConnectionError):
        impatient.v1.balance.retrieve()
    assert impatient.v1.balance.retrieve().pending == []
