"""A thousand top-ups and what goes back of them, while messages are lost, repeated and late.

Refunds, disputes, wins and debts, bookings in between; servers and databases are killed. At the
end Stripe's own balance is what the books say lies there, to the cent, and each person has what
`reckoning` says. `SEED=…` in the environment has the same people do the same again, and
`TOP_UP_SECONDS=…` a slow machine reach a thousand.
"""

import logging
import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
import stripe as library
from django.db import connection
from django.db.models import F
from django.utils import timezone

from notices.models import Notice
from payments.models import DebtWriteOff, Dispute, TopUp, TopUpRefund, Transfer
from payments.services import disputes, refunds, topups
from payments.wallets import standing_of
from tests.factories import UserFactory, make_course
from tests.payments.killing import PASSING, PATIENCE, Site, database
from tests.payments.paying import agree
from tests.payments.people import Person, World, cents_of
from tests.payments.reckoning import Stripe, Sums, reckon

__all__ = ["database"]

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

TOP_UPS, BACK = 1000, 300
# A machine that has too much to do does not come so far: after these nobody tops up any more.
SECONDS = float(os.environ.get("TOP_UP_SECONDS") or 60)
PEOPLE, AT_ONCE = 25, 5
DAY = timedelta(days=1)
# How likely each fault is: when something is to be made, and when we ask.
MAKING = [
    [0.03, "drop"],
    [0.02, "half"],
    [0.02, "down"],
    [0.02, "locked"],
    [0.01, "fails"],
]
ASKING = [[0.01, "drop"], [0.005, "down"], [0.01, "half"], [0.005, "fails"]]
FAULTS = {
    "create_session": [*MAKING, [0.03, "event_first"]],
    "create_refund": MAKING,
    "retrieve": ASKING,
    "list_refunds": ASKING,
    "list_disputes": ASKING,
}
JOBS = (topups.settle_all, refunds.settle_all_refunds, disputes.settle_all)
# Webhooks: what they are about, how many of each, and how late.
POST = {
    "kinds": ["checkout", "charge.dispute", "refund."],
    "copies": [0, 1, 1, 2],
    "late": 1.5,
    "again": 2.0,
}


class Job:
    """Asks for everything that is open, all the time."""

    def __init__(self):
        self.over = threading.Event()

    @contextmanager
    def going_on(self, pool):
        asking = pool.submit(self.run)
        try:
            yield
        finally:
            self.over.set()
            asking.result(PATIENCE)

    def run(self):
        while not self.over.wait(3.0):
            with suppress(*PASSING):
                for rows in (TopUp.objects, TopUpRefund.objects.open(), Dispute.objects):
                    due = rows.exclude(next_look_at=None).order_by("?")
                    hurry(rows.filter(pk__in=[*due.values_list("pk", flat=True)[:10]]))
                for job in JOBS:
                    all(job())
            connection.close_if_unusable_or_obsolete()


def hurry(rows):
    rows.exclude(next_look_at=None).update(next_look_at=timezone.now())


@pytest.fixture
def hasty(monkeypatch):
    """The library does not wait before it tries again, and nobody writes down what is tried."""
    logging.disable(logging.CRITICAL)
    monkeypatch.setattr(library.HTTPClient, "INITIAL_DELAY", 0.01)
    monkeypatch.setattr(library.HTTPClient, "MAX_DELAY", 0.01)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def world(at_stripe, settings, database):
    """Where one clerk gives little alone."""
    settings.GRANT_TWO_PEOPLE_ABOVE = Decimal("50.00")
    prices = ("150.05", "299.99", "450.01", "620.00", "900.10")
    sessions = [
        (session.pk, cents_of(Decimal(price)))
        for price in prices
        for session in make_course(sessions=20, price_per_session=price).sessions.all()
    ]
    return World(at_stripe, sessions)


def test_a_thousand_top_ups_and_what_goes_back(world, database, at_stripe, hasty, broken):
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    sys.stdout.write(f"SEED={seed}\n")
    people = [Person(UserFactory(), world, f"{seed}:{n}") for n in range(PEOPLE)]
    connection.close()
    at_stripe.habits(fees_later=True)
    at_stripe.faults.chance(calls=FAULTS, seed=seed)
    with Site(database, at_stripe).up() as site:
        at_stripe.post.goes(url=f"{site.url}/api/webhooks/stripe", **POST, seed=seed)
        fees = book_fees(at_stripe)
        happens = [fees, database.kill, site.kill_and_start, away(at_stripe), database.kill]
        play(people, {(n + 1) * TOP_UPS // 6: act for n, act in enumerate(happens)})
        at_stripe.faults.forget()
        sys.stdout.write(f"messages: {Counter(at_stripe.answered())}\n")
        at_stripe.post.goes()  # what was not heard by now never is
    people.append(Person(UserFactory(), world, seed))
    finish(people, at_stripe)
    compare(people, at_stripe)
    assert broken() == {}


def play(people, events):
    """All do their things at once, and others happen meanwhile; raises whatever went wrong.

    They happen at a number of turns, or as late as they would in all the time there is.
    """
    done, job, began = count(1), Job(), time.monotonic()
    reached = {number: threading.Event() for number in events}

    def left(share=1.0):
        return began + share * SECONDS - time.monotonic()

    def one(person):
        if left() > 0:
            person.turn()
        if event := reached.get(next(done)):
            event.set()

    turns = [person for _ in range(TOP_UPS // PEOPLE) for person in people]
    with ThreadPoolExecutor(AT_ONCE + 1) as pool, job.going_on(pool):
        acts = [pool.submit(one, person) for person in turns]
        for number, happens in events.items():
            reached[number].wait(left(number / TOP_UPS))
            happens()
        for act in acts:
            act.result(PATIENCE)


def book_fees(at_stripe):
    """So far all charges wait for it; those that come have theirs at once."""

    def happens():
        at_stripe.habits(fees_later=False)
        at_stripe.account.book_fees()

    return happens


def away(at_stripe):
    def happens():
        with at_stripe.down():
            time.sleep(0.2)

    return happens


def finish(people, at_stripe):
    """What is on its way arrives or not; the jobs ask for all that is left, and a day later again.

    By then Stripe has forgotten the keys of what it broke off, and nobody wants to pay any more on
    a page that it never opened.
    """
    connection.close()
    # What fails from here on says why.
    logging.disable(logging.NOTSET)
    at_stripe.habits(refunds="succeeded")
    for person in people:
        for _ in [*person.promised]:
            person.promise_comes()
    people[-1].ruin()
    under_way = [one for one in at_stripe.account.all(kind="refund") if one["status"] == "pending"]
    for refund in under_way:
        people[0].settle_at_stripe(refund["id"])
    at_stripe.account.book_fees()
    hurry(TopUp.objects.filter(checkout_session=None))
    while [*topups.settle_all()]:
        pass
    at_stripe.advance(2 * DAY.total_seconds())
    TopUp.objects.filter(checkout_session=None).update(expires_at=timezone.now())
    TopUpRefund.objects.open().update(requested_at=F("requested_at") - DAY)
    for model in (TopUp, TopUpRefund, Dispute):
        hurry(model.objects)
    with ThreadPoolExecutor() as pool:
        assert all(pool.map(to_its_end, JOBS))
    for person in people:
        person.is_let_off()


def to_its_end(job):
    """Whether all that it asked for worked, until nothing is due."""
    while worked := [*job()]:
        if not all(worked):
            break
    connection.close()
    return not worked


def compare(people, at_stripe):
    """What each has is what the model says; and all that is to happen here did happen."""
    kinds = ("charge", "refund", "dispute")
    stripe = Stripe(*(at_stripe.account.all(kind=kind) for kind in kinds))
    for person in people:
        person.memory.recovered = cents_of(sum(recovered(person.user)))
    assert [has(person.user) for person in people] == [reckon(one.memory, stripe) for one in people]
    assert agree(at_stripe)
    paid = TopUp.objects.filter(status="paid")
    assert not paid.filter(fee=None).exists()
    assert Notice.objects.filter(kind="top_up_paid").count() == paid.count()
    assert not TopUpRefund.objects.open().exists()
    happened(people)


def has(user):
    """What the books say of a person: what of it is there, and what went in and out."""
    credit, held, owed = standing_of(user)
    paid = TopUp.objects.of(user).filter(status="paid")
    disputed = Dispute.objects.filter(top_up__user=user)
    back = [
        *paid.values_list("refunded_amount", flat=True),
        *(one.taken - one.given_back for one in disputed),
    ]
    came_in = sum(paid.values_list("amount", flat=True))
    return Sums(*map(cents_of, (credit, held, owed, came_in, sum(back))))


def recovered(user):
    return DebtWriteOff.objects.filter(debtor=user).values_list("recovered", flat=True)


def happened(people):
    """A thousand and three hundred, or as many as there was time for; each kind of it."""
    rows = {
        "refunds": TopUpRefund.objects.all(),
        "disputes": Dispute.objects.filter(kind="dispute"),
        "at the desk": Dispute.objects.filter(kind="desk_refund"),
        "won": Dispute.objects.filter(status="won"),
        "owed": Transfer.objects.filter(debit_account__kind="debts"),
        "paid off": Transfer.objects.filter(credit_account__kind="debts"),
        "written off": Transfer.objects.filter(kind="write_off"),
        "granted": Transfer.objects.filter(kind="grant"),
    }
    back = Counter({name: found.count() for name, found in rows.items()})
    asked = sum(len(person.memory.asked) for person in people)
    sys.stdout.write(f"{Counter(TopUp.objects.values_list('status', flat=True))}\n{back}\n")
    sys.stdout.write(f"{people[0].world.happened}\n")
    assert asked >= TOP_UPS / 10
    assert all(back[name] for name in ("owed", "written off"))
    assert back.total() >= BACK * asked / TOP_UPS
