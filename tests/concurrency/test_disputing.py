"""A dispute beside whatever else there is at the same moment: each movement is booked once."""

from decimal import Decimal
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from enrollments.services.enrolling import enroll_full_course
from payments.models import Dispute, TopUp, Transfer
from payments.services import disputes
from payments.services.disputes import settle_all, settle_dispute
from payments.services.topups import settle_top_up
from payments.wallets import credit_of
from tests.concurrency.operations import Fault, PulledPlugError, statements_of
from tests.concurrency.racing import kinds, race
from tests.factories import UserFactory, give_credit, make_course
from tests.payments.conftest import ask, at_stripe, opened
from tests.payments.paying import agree, pay, settled

__all__ = ["ask", "at_stripe", "opened"]

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
TWENTY = Decimal("20.00")


@pytest.fixture
def paid(opened, at_stripe):
    """Paid at Stripe; we don't know yet."""

    def pay_one(user=None):
        top_up = opened(user)
        pay(at_stripe, top_up)
        return top_up

    return pay_one


@pytest.fixture
def disputed(paid, at_stripe):
    """One of a credited top-up, of which nobody has told us."""

    def dispute(user=None):
        top_up = settled(paid(user))
        return top_up, at_stripe.account.dispute(charge=top_up.charge)["id"]

    return dispute


def by_job():
    Dispute.objects.update(next_look_at=timezone.now())
    assert all(settle_all())


def test_webhook_and_job_at_once_take_it_once(disputed, at_stripe, retried, broken):
    for _ in range(3):
        top_up, key = disputed()
        outcomes = race(partial(settle_dispute, key), by_job, partial(settle_dispute, key), by_job)
        assert not [one for one in outcomes if isinstance(one, Exception)]
        assert credit_of(top_up.user) == 0
    assert retried == []
    assert agree(at_stripe)
    assert broken() == {}


def test_without_the_lock_the_key_alone_is_left(disputed, without_locks, meeting, broken):
    """The race is real: both find nothing booked, and one of them fails."""
    _, key = disputed()
    settle_dispute(key)
    Transfer.objects.filter(kind__startswith="dispute").delete()
    Dispute.objects.update(taken=0, fee=0)
    meeting().before(disputes.ledger, "transfer_all")
    outcomes = race(*[partial(settle_dispute, key)] * 2)
    assert kinds(outcomes) == {"Dispute": 1, "IntegrityError": 1}


def test_without_the_lock_and_the_key_it_is_taken_twice(
    disputed, at_stripe, without_locks, meeting, monkeypatch, broken
):
    top_up, key = disputed(UserFactory())
    give_credit(top_up.user, "20.00")
    make, numbers = disputes.Entry, iter(range(100))

    def keyless(**fields):
        return make(**fields | {"dedupe_key": f"none:{next(numbers)}"})

    monkeypatch.setattr(disputes, "Entry", keyless)
    meeting().before(disputes.ledger, "transfer_all")
    at_stripe.account.lie(key=key, fields={"balance_transactions": []})
    settle_dispute(key)
    at_stripe.account.lie(key=key, fields={})
    assert kinds(race(*[partial(settle_dispute, key)] * 2)) == {"Dispute": 2}
    assert Transfer.objects.filter(kind="dispute").count() == 2
    assert "I19" in broken()
    assert not agree(at_stripe)


def test_told_of_while_it_is_credited_it_is_credited_and_taken(paid, at_stripe, retried, broken):
    for _ in range(5):
        top_up = paid()
        charge = at_stripe.account.all(kind="charge")[0]["id"]
        key = at_stripe.account.dispute(charge=charge)["id"]
        outcomes = race(partial(settle_dispute, key), partial(settle_top_up, top_up.pk), by_job)
        assert not [one for one in outcomes if isinstance(one, Exception)]
        assert TopUp.objects.get(pk=top_up.pk).status == "paid"
        assert credit_of(top_up.user) == 0
    assert retried == []
    assert agree(at_stripe)
    assert broken() == {}


def test_twin_who_asks_nothing_of_the_top_up_takes_nothing_of_it(paid, at_stripe, monkeypatch):
    """The money has gone at Stripe, and the credit that comes later is spent."""
    top_up = paid()
    charge = at_stripe.account.all(kind="charge")[0]["id"]
    key = at_stripe.account.dispute(charge=charge)["id"]
    monkeypatch.setattr(disputes, "settle_top_up", lambda top_up_id: None)
    assert settle_dispute(key).problem == "the top-up was not credited"
    assert settle_top_up(top_up.pk).status == "paid"
    assert credit_of(top_up.user) == TWENTY
    assert not agree(at_stripe)


def test_who_buys_while_it_is_taken_owes_it_or_has_nothing(disputed, at_stripe, retried, broken):
    for _ in range(4):
        student, course = UserFactory(), make_course(price_full_course="20.00")
        _, key = disputed(student)
        buy = partial(enroll_full_course, student=student, course_id=course.pk)
        outcomes = kinds(race(buy, partial(settle_dispute, key)))
        wallet = student.ledger_accounts.get(kind="wallet")
        bought = outcomes["CourseEnrollment"]
        assert (wallet.balance, wallet.owed) == (0, TWENTY if bought else 0)
    assert retried == []
    assert agree(at_stripe)
    assert broken() == {}


def test_pulled_after_any_statement_it_is_booked_once_by_the_next(disputed, at_stripe, broken):
    _, first = disputed()
    statements = statements_of(partial(settle_dispute, first))
    assert statements > 8
    for k in range(1, statements + 1):
        top_up, key = disputed()
        with connection.execute_wrapper(Fault(k)), pytest.raises(PulledPlugError):
            settle_dispute(key)
        settle_dispute(key)
        assert credit_of(top_up.user) == 0
        assert broken() == {}
    assert agree(at_stripe)
