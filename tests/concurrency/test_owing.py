"""Who owes, and what comes in at the same moment: each race, and its twin without the lock."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError

from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from payments import queries
from payments.models import LedgerAccount
from payments.services import ledger
from payments.services.grants import grant_credit
from payments.wallets import standing_of
from tests.concurrency.racing import kinds, race
from tests.factories import UserFactory, disputed, make_course, owe, top_up_of

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def debtor():
    user = UserFactory()
    owe(user, "15.00")
    return user


def grant(user, amount="10.00"):
    wanted = {"amount": Decimal(amount), "reason": "Sorry", "request_id": uuid4()}
    return partial(grant_credit, user=user, **wanted)


def stands(user):
    found = standing_of(user)
    return str(found.credit), str(found.owed)


def test_two_credits_at_once_pay_the_debt_once(debtor, retried, broken):
    race(grant(debtor), grant(debtor))
    assert stands(debtor) == ("5.00", "0.00")
    assert retried == []
    assert broken() == {}


def test_without_the_lock_they_pay_it_twice(debtor, without_locks, meeting, broken):
    """The race is real: both find 15.00 owed, and what one paid is forgotten."""
    meeting().before(ledger, "_change_balances")
    race(grant(debtor), grant(debtor))
    assert stands(debtor) == ("0.00", "5.00")
    assert "I17" in broken()


def buy(user):
    session = make_course(sessions=1).sessions.get()
    return partial(purchase_session, student=user, session_id=session.pk)


def test_who_buys_while_a_credit_comes_has_paid_first(debtor, retried, broken):
    """30.00 come in, of which 15.00 are left; a session is 16.00."""
    outcomes = race(buy(debtor), grant(debtor, "30.00"), buy(debtor))
    assert kinds(outcomes) == {"Transfer": 1, "InsufficientCredit": 2}
    assert stands(debtor) == ("15.00", "0.00")
    grant(debtor, "1.00")()
    assert kinds(race(buy(debtor), buy(debtor))) == {"SessionPurchase": 1, "InsufficientCredit": 1}
    assert retried == []
    assert broken() == {}


@pytest.fixture
def payer():
    user = UserFactory()
    user.top_up = top_up_of(user, "20.00")
    return user


def taking(user):
    return partial(disputed, user.top_up, "-20.00")


def test_who_buys_while_it_is_taken_back_owes_it_or_has_nothing(payer, retried, broken):
    outcomes = race(buy(payer), taking(payer))
    bought = kinds(outcomes)["SessionPurchase"]
    assert stands(payer) == ("0.00", "16.00" if bought else "0.00")
    assert retried == []
    assert broken() == {}


def test_a_debtor_pays_before_a_refund_is_theirs(payer, interruption, monkeypatch, broken):
    """It is taken back between what a cancellation reads of the wallet, and its change of it."""
    bought = buy(payer)()
    change = queries.change_balance

    def late(*args):
        interruption.wait()
        return change(*args)

    monkeypatch.setattr(queries, "change_balance", late)
    cancel = partial(cancel_session_purchase, student=payer, purchase_id=bought.pk)
    assert kinds(race(cancel, interruption.by(taking(payer)))) == {"Cancellation": 1, "Dispute": 1}
    assert stands(payer) == ("0.00", "0.00")
    assert broken() == {}


def test_a_wallet_is_not_changed_past_a_debt(debtor):
    """The database refuses what the UPDATE would do without asking whether anything is owed."""
    free = LedgerAccount.objects.get(owner=debtor, kind="wallet")
    assert queries.change_balance(free.pk, Decimal(20), Decimal(0)) == 0
    with pytest.raises(IntegrityError):
        LedgerAccount.objects.filter(pk=free.pk).update(balance=Decimal(20))


def test_without_the_lock_it_is_spent_and_taken_back(payer, without_locks, meeting, broken):
    meeting().before(ledger, "_change_balances")
    outcomes = race(buy(payer), taking(payer))
    assert kinds(outcomes) == {"SessionPurchase": 1, "Dispute": 1}
    assert {"I1", "I11"} <= broken().keys()
