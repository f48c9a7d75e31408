"""Credit on its way back, and who else wants it: each race with its twin; then what breaks off."""

from decimal import Decimal
from functools import partial

import pytest
from django.db import connection

from common.errors import Unavailable
from enrollments.services.purchasing import purchase_session
from payments.models import TopUp, TopUpRefund, Transfer
from payments.processors import stripe
from payments.services import disputes, ledger, refunds
from payments.services.disputes import settle_dispute
from payments.services.events import take_event
from payments.services.refunds import request_refund, settle_all_refunds, settle_refund
from payments.services.topups import settle_top_up
from payments.wallets import credit_of, worth_of
from tests.concurrency.operations import Fault, PulledPlugError, statements_of
from tests.concurrency.racing import kinds, make_due, race
from tests.concurrency.test_faults import connection_lost_at_commit
from tests.factories import UserFactory, give_credit, make_course
from tests.payments.conftest import ask, at_stripe, opened
from tests.payments.paying import agree

__all__ = ["ask", "at_stripe", "opened"]

pytestmark = pytest.mark.django_db(transaction=True)
TWENTY = Decimal("20.00")


@pytest.fixture
def paid(opened, at_stripe):
    """Somebody who paid 20.00 at Stripe, with that top-up."""

    def pay(user=None):
        top_up = opened(user or UserFactory())
        at_stripe.account.pay(session=top_up.checkout_session)
        return settle_top_up(top_up.pk)

    return pay


def asking(top_up, amount="20.00"):
    return partial(request_refund, user=top_up.user, amount=Decimal(amount))


def buying(user, price="16.00"):
    session = make_course(sessions=1, price_per_session=price).sessions.get()
    return partial(purchase_session, student=user, session_id=session.pk)


def refunded():
    return [*TopUpRefund.objects.order_by("pk").values_list("status", flat=True)]


@pytest.mark.mariadb
def test_what_goes_back_buys_nothing(paid, at_stripe, retried, broken):
    for _ in range(5):
        top_up = paid()
        outcomes = race(asking(top_up), buying(top_up.user))
        assert sum(isinstance(one, Exception) for one in outcomes) == 1
        assert {"InsufficientCredit", "NotRefundable"} & kinds(outcomes).keys()
    assert retried == []
    assert broken() == {}


@pytest.mark.mariadb
def test_without_the_lock_it_buys_and_goes_back(paid, without_locks, meeting, broken):
    """The race is real: both find 20.00 in the wallet, and 36.00 leave it."""
    top_up = paid()
    meeting().before(ledger, "_change_balances")
    outcomes = race(asking(top_up), buying(top_up.user))
    assert kinds(outcomes) == {"TopUpRefund": 1, "SessionPurchase": 1}
    assert "I1" in broken()


@pytest.mark.mariadb
def test_what_is_asked_for_twice_at_once_goes_back_once(paid, retried, broken):
    top_up = paid()
    outcomes = race(*[asking(top_up)] * 6)
    assert kinds(outcomes) == {"TopUpRefund": 1, "NotRefundable": 5}
    assert TopUp.objects.get().refunded_amount == TWENTY
    assert retried == []
    assert broken() == {}


@pytest.mark.mariadb
def test_without_the_lock_more_is_promised_than_was_paid(paid, without_locks, meeting, broken):
    """Both find all of it left, and the sum that the top-up keeps forgets one of them."""
    top_up = paid()
    meeting().before(refunds, "_reserve")
    assert kinds(race(*[asking(top_up, "8.00")] * 2)) == {"TopUpRefund": 2}
    assert "I18" in broken()


def dispute(at_stripe, top_up, **how):
    return at_stripe.account.dispute(charge=top_up.charge, **how)["id"]


@pytest.mark.mariadb
def test_what_a_bank_takes_meanwhile_is_taken_once(paid, at_stripe, retried, broken):
    """Whether or not Stripe sent the refund before, the payer has neither lost nor gained."""
    for _ in range(4):
        top_up = paid()
        refund = asking(top_up, "12.00")()

        def opened(top_up=top_up):
            return settle_dispute(dispute(at_stripe, top_up, amount=1500))

        sending = [partial(settle_refund, refund.pk)] * 2
        outcomes = race(opened, *sending, asking(top_up, "3.00"))
        assert kinds(outcomes).keys() <= {"Dispute", "TopUpRefund", "InDispute", "NotRefundable"}
        by_job()
        went = top_up.refunds.filter(status="succeeded").values_list("amount", flat=True)
        assert worth_of(top_up.user) == TWENTY - 15 - sum(went)
    assert retried == []
    assert agree(at_stripe)
    assert broken() == {}


@pytest.mark.mariadb
def test_without_the_lock_a_refund_is_forgotten(
    paid, at_stripe, without_locks, interruption, broken
):
    """The dispute read all of it as left, and withholds what goes back already."""
    top_up = paid()
    give_credit(top_up.user, "20.00")
    key = dispute(at_stripe, top_up, inquiry=True)
    settle_dispute(key)
    at_stripe.account.escalate(dispute=key)
    interruption.before(disputes, "_move")
    taking = partial(settle_dispute, key)
    outcomes = race(taking, interruption.by(asking(top_up, "8.00")))
    assert kinds(outcomes) == {"IntegrityError": 1, "TopUpRefund": 1}
    assert broken() == {}


def by_job():
    make_due(TopUpRefund)
    assert all(settle_all_refunds())


def by_webhook(at_stripe, kind):
    message = at_stripe.messages(kind)[-1]
    return take_event(stripe.receive(message["body"].encode(), message["signature"]))


@pytest.mark.mariadb
def test_webhook_page_and_job_at_once_book_it_once(paid, at_stripe, retried, broken):
    at_stripe.habits(refunds="pending")
    for _ in range(3):
        top_up = paid()
        made = settle_refund(asking(top_up)().pk)
        at_stripe.account.succeed_refund(refund=made.processor_id)
        ways = [partial(by_webhook, at_stripe, "refund.updated"), partial(settle_refund, made.pk)]
        outcomes = race(*[*ways, by_job] * 2)
        assert not [one for one in outcomes if isinstance(one, Exception)]
        assert TopUpRefund.objects.get(pk=made.pk).status == "succeeded"
    assert retried == []
    assert agree(at_stripe)
    assert broken() == {}


@pytest.mark.mariadb
def test_without_the_lock_the_key_alone_is_left(paid, at_stripe, without_locks, meeting, broken):
    at_stripe.habits(refunds="pending")
    made = settle_refund(asking(paid())().pk)
    at_stripe.account.succeed_refund(refund=made.processor_id)
    meeting(3).before(refunds.ledger, "transfer_all")
    outcomes = race(*[partial(settle_refund, made.pk)] * 3)
    assert kinds(outcomes) == {"TopUpRefund": 1, "IntegrityError": 2}
    assert Transfer.objects.filter(kind="payback_sent").count() == 1


@pytest.mark.mariadb
def test_sent_by_two_at_once_it_is_sent_once(paid, at_stripe, broken):
    made = asking(paid())()
    race(*[partial(settle_refund, made.pk)] * 4)
    assert settle_refund(made.pk).status == "succeeded"
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert agree(at_stripe)
    assert broken() == {}


# --- what breaks off -----------------------------------------------------------------------------


def story(top_up):
    """Asked for, and sent."""
    settle_refund(asking(top_up)().pk)


def test_broken_off_at_any_statement_it_goes_back_once_or_not_at_all(paid, at_stripe, broken):
    statements = statements_of(partial(story, paid()))
    assert statements > 15
    for k in range(1, statements + 1):
        top_up = paid()
        with connection.execute_wrapper(Fault(k)), pytest.raises(PulledPlugError):
            story(top_up)
        assert broken() == {}, f"statement {k}"
        by_job()
        went = TopUpRefund.objects.filter(top_up=top_up, status="succeeded").count()
        assert went <= 1
        assert credit_of(top_up.user) == TWENTY * (1 - went), f"statement {k}"
        assert agree(at_stripe), f"statement {k}"
    assert broken() == {}


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("step", range(2))
def test_a_connection_lost_at_commit_sends_it_once(step, after, paid, at_stripe, broken):
    """Between what we commit and what Stripe answers, and the other way round."""
    top_up = paid()
    steps = [asking(top_up), lambda: settle_refund(TopUpRefund.objects.get().pk)]
    for act in steps[:step]:
        act()
    with connection_lost_at_commit(after=after), pytest.raises(Unavailable):
        steps[step]()
    by_job()
    assert refunded() == (["succeeded"] if step or after else [])
    assert len(at_stripe.account.all(kind="refund")) == len(refunded())
    assert agree(at_stripe)
    assert broken() == {}
