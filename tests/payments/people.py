"""People who top up, book, cancel, want money back and go to their banks; and clerks beside them.

Each does it surely, whatever is killed meanwhile, and remembers what came of it.
"""

import random
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from functools import partial
from threading import Lock
from uuid import UUID

from django.db import connection

from common.errors import DomainError
from enrollments.errors import AlreadyCancelled, AlreadyPurchased
from enrollments.models import SessionPurchase
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from payments.errors import (
    GrantDecided,
    InsufficientCredit,
    ProcessorUnavailable,
    WriteOffDecided,
)
from payments.models import TopUp, TopUpRefund
from payments.services.debts import ask_write_off, write_off
from payments.services.grants import approve_grant, request_grant
from payments.services.refunds import request_refund, settle_refund
from payments.services.topups import open_checkout, request_top_up, settle_top_up
from payments.wallets import standing_of
from tests.factories import StaffFactory
from tests.payments.killing import LOST, PASSING, Unavailable, surely
from tests.payments.reckoning import Memory
from tests.stripe.stand_in import SaidNoError

# What people do on the page, and how many of twenty.
CHOICES = ["pay"] * 12 + ["decline"] * 2 + ["pay_later"] * 3 + ["expire"] * 2 + ["close"]


# From a page to what was charged on it.
PAID_BY = (("checkout.session", "payment_intent"), ("payment_intent", "latest_charge"))


def credits_of(cents):
    return Decimal(cents) / 100


def cents_of(amount):
    return int(amount * 100)


def once(act, *done_before):
    """Do it surely; what says that it is done says so of an attempt whose answer was lost."""
    with suppress(*done_before):
        return surely(act)
    return None


class World:
    """What people have in common: Stripe, sessions on sale by their prices, and two clerks."""

    def __init__(self, at_stripe, sessions):
        self.at_stripe, self.sessions = at_stripe, sessions
        self.clerks = [StaffFactory(), StaffFactory()]
        self.happened = Counter()

    def stripe(self, call, **wanted):
        """What customers, banks and Stripe's clerks do there; None where it says no by now."""
        act = getattr(self.at_stripe.account, call)
        with suppress(SaidNoError):
            done = surely(lambda: act(**wanted), OSError)
            self.happened[call] += 1
            return done
        return None


class Person:
    """Tops up again and again, and does something with it; one thing after the other."""

    # How likely each is, every time.
    DEEDS = (
        ("book", 0.3),
        ("cancel", 0.1),
        ("ask_back", 0.16),
        ("refund_goes_on", 0.05),
        ("complain", 0.18),
        ("bank_decides", 0.15),
        ("refund_at_the_desk", 0.04),
        ("promise_comes", 0.1),
        ("is_given", 0.02),
        ("is_let_off", 0.3),
    )

    def __init__(self, user, world, seed):
        self.user, self.world, self.memory = user, world, Memory()
        self.dice, self.busy = random.Random(seed), Lock()
        self.pages, self.promised, self.disputes, self.charges = [], [], [], []

    def turn(self):
        with self.busy:
            self.top_up()
            for deed, likely in self.DEEDS:
                if self.dice.random() < likely:
                    getattr(self, deed)()
        connection.close_if_unusable_or_obsolete()

    def some(self, cents):
        """Some of it, or all."""
        return cents if cents < 100 or self.dice.random() < 0.5 else self.dice.randrange(50, cents)

    # --- money in ---------------------------------------------------------------------------------

    def top_up(self):
        cents = self.dice.randrange(500, 50_000)
        made = self.ask(cents)
        opened, choice = self.open(made), self.dice.choice(CHOICES)
        if opened and choice != "close":
            self.act(choice, opened.checkout_session)
        if self.dice.random() < 0.4:
            with suppress(*PASSING):  # they come back, or do not
                settle_top_up(made.pk)

    def ask(self, cents):
        """A top-up; that of an attempt whose answer was lost, if there was one."""
        ask = partial(request_top_up, user=self.user, amount=credits_of(cents), method="stripe")
        unknown = TopUp.objects.of(self.user).exclude(pk__in=[*self.memory.asked])
        try:
            made = ask()
        except PASSING:
            connection.close()
            made = surely(lambda: unknown.first() or ask())
        self.memory.asked[str(made.pk)] = cents
        return made

    def open(self, made):
        """Its page, unless Stripe keeps saying no."""
        for _ in range(3):
            with suppress(ProcessorUnavailable):
                return surely(lambda: open_checkout(made), (Unavailable, *LOST))
        return None

    def act(self, choice, session):
        """Do something on the page, if it was not paid before they saw it."""
        if self.world.stripe(choice, session=session) and choice == "pay_later":
            self.promised.append(session)
        elif choice == "pay":
            self.pages.append(session)

    def promise_comes(self):
        """A slow payment comes, or not."""
        if self.promised:
            session, comes = self.promised.pop(0), self.dice.random() < 0.6
            self.world.stripe("arrive" if comes else "bounce", session=session)

    # --- what it is for ---------------------------------------------------------------------------

    def book(self):
        """One of the sessions, if they can pay for it."""
        session, cents = self.dice.choice(self.world.sessions)
        mine = SessionPurchase.objects.live().filter(user=self.user, session=session)
        buy = partial(purchase_session, student=self.user, session_id=session)
        with suppress(InsufficientCredit):
            made = once(buy, AlreadyPurchased) or surely(mine.get)
            self.memory.booked[made.pk] = cents

    def cancel(self):
        if self.memory.booked:
            key = self.dice.choice([*self.memory.booked])
            wanted = {"student": self.user, "purchase_id": key}
            once(lambda: cancel_session_purchase(**wanted), AlreadyCancelled)
            del self.memory.booked[key]

    # --- money back -------------------------------------------------------------------------------

    def ask_back(self):
        """By themselves or by a clerk: sent at once, or by whatever comes next."""
        credit = cents_of(surely(lambda: standing_of(self.user)).credit)
        if not credit:
            return
        how = self.dice.choice(["succeeded", "pending", "failed"])
        surely(lambda: self.world.at_stripe.habits(refunds=how), OSError)
        wanted = {
            "user": self.user,
            "amount": credits_of(self.some(credit)),
            "request_id": self.key(),
            "actor": self.dice.choice([None, *self.world.clerks]),
        }
        with suppress(DomainError):
            made = surely(lambda: request_refund(**wanted))
            self.world.happened["refund asked for"] += 1
            if self.dice.random() < 0.5:
                with suppress(*PASSING):
                    settle_refund(made.pk)

    def refund_goes_on(self):
        """One that was sent arrives, or comes back."""
        sent = TopUpRefund.objects.of(self.user).exclude(processor_id=None)
        key = surely(lambda: sent.exclude(status="failed").order_by("?").first())
        if key:
            self.settle_at_stripe(key.processor_id)

    def settle_at_stripe(self, refund):
        given = self.world.stripe("get", key=refund, kind="refund")
        if given and given["status"] != "failed":
            ends = self.dice.choice(["succeed_refund", "fail_refund"])
            self.world.stripe(ends, refund=refund)

    def complain(self):
        """To their bank: about all of a payment or a part of it, and it may only ask.

        Some spend it first, and owe it then.
        """
        if charge := self.paid_charge():
            if self.dice.random() < 0.6:
                self.book()
                self.book()
            how = {"inquiry": self.dice.random() < 0.3, "amount": self.some(charge["amount"])}
            if made := self.world.stripe("dispute", charge=charge["id"], **how):
                self.disputes.append((made["id"], how["inquiry"], how["amount"]))

    def ruin(self):
        """The first payment is spent, and then lost to the bank: now they owe."""
        opened = self.open(self.ask(50_000))
        self.act("pay", opened.checkout_session)
        settle_top_up(opened.pk)
        for _ in range(50):
            if standing_of(self.user).credit >= 500:
                self.book()
        made = self.world.stripe("dispute", charge=self.paid_charge()["id"])
        self.world.stripe("lose", dispute=made["id"])

    def paid_charge(self):
        """That of a payment which nobody has complained of."""
        if not self.pages:
            return None
        key = self.pages.pop(self.dice.randrange(len(self.pages)))
        for kind, then in PAID_BY:
            found = self.world.stripe("get", key=key, kind=kind)
            key = found and found[then]
        return key and self.world.stripe("get", key=key, kind="charge")

    def bank_decides(self):
        if not self.disputes:
            return
        key, inquiry, amount = self.disputes.pop(0)
        ends = self.dice.choice(["close_inquiry", "escalate"] if inquiry else ["win", "lose"])
        more = {"amount": self.some(amount)} if ends == "win" else {}
        if self.world.stripe(ends, dispute=key, **more) and ends == "escalate":
            self.disputes.append((key, False, amount))

    def refund_at_the_desk(self):
        """A clerk at Stripe's own desk gives something back; it may come back later."""
        charge = self.paid_charge()
        if charge and (rest := charge["amount"] - charge["amount_refunded"]):
            made = self.world.stripe("refund", charge=charge["id"], amount=self.some(rest))
            if made and self.dice.random() < 0.5:
                self.settle_at_stripe(made["id"])

    # --- what the staff do ------------------------------------------------------------------------

    def is_given(self):
        """By a clerk; what is too much for one, by two."""
        cents, [one, other] = self.dice.randrange(100, 3_000), self.world.clerks
        wanted = {"user": self.user, "amount": credits_of(cents), "reason": "For a friend"}
        key = self.key()
        made = surely(lambda: request_grant(**wanted, request_id=key, actor=one))
        if made.status == "asked":
            decide = {"grant_id": key, "actor": other, "reason": "Fine"}
            once(lambda: approve_grant(**decide), GrantDecided)
            self.world.happened["grant by two"] += 1
        self.memory.granted += cents

    def is_let_off(self):
        """What they owe is written off, unless a bank may give it back yet."""
        owed = surely(lambda: standing_of(self.user)).owed
        if not owed:
            return
        key, [one, other] = self.key(), self.world.clerks
        wanted = {"user": self.user, "amount": owed, "reason": "Lost", "request_id": key}
        with suppress(DomainError):  # something came in, or may come back
            surely(lambda: ask_write_off(**wanted, actor=one))
            once(lambda: write_off(write_off_id=key, actor=other), WriteOffDecided)
            self.memory.written_off += cents_of(owed)
            self.world.happened["written off"] += 1

    def key(self):
        return UUID(int=self.dice.getrandbits(128), version=4)
