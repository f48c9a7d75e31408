"""A thousand top-ups, while messages are lost, repeated and late, and servers and databases killed.

At the end Stripe's own balance is what the books say lies there, to the cent, and each person has
what they paid. `SEED=…` in the environment has the same people do the same again.
"""

import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from decimal import Decimal
from itertools import count
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe as library
from django.conf import settings as ours
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from common.errors import Unavailable
from notices.models import Notice
from payments.errors import ProcessorUnavailable
from payments.models import TopUp, Transfer
from payments.services.topups import open_checkout, request_top_up, settle_all, settle_top_up
from payments.wallets import credit_of
from tests.copying import lay, tables
from tests.factories import UserFactory
from tests.payments.test_top_ups_stripe import agree
from tests.serving import kill, running, wait_until_ready
from tests.stripe.stand_in import KEY, SECRET

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

TOP_UPS = 1000
# A machine that has too much to do does not come so far: after these nobody tops up any more.
SECONDS = float(os.environ.get("SECONDS") or 45)
PEOPLE, AT_ONCE = 25, 5
LOST = (DatabaseError, InterfaceError)
PASSING = (Unavailable, ProcessorUnavailable, *LOST)
PATIENCE = 120
# How likely each fault is: when a page is to be opened, and when we ask.
FAULTS = {
    "create_session": [
        [0.03, "drop"],
        [0.02, "half"],
        [0.02, "down"],
        [0.02, "locked"],
        [0.01, "fails"],
        [0.03, "event_first"],
    ],
    "retrieve": [[0.02, "drop"], [0.02, "down"], [0.01, "half"], [0.01, "fails"]],
}
# What people do on the page, and how many of twenty.
CHOICES = ["pay"] * 11 + ["decline"] * 2 + ["pay_later"] * 3 + ["expire"] * 2 + ["close"] * 2


@pytest.fixture
def database():
    """A database of its own, on disk at each commit, which this test can kill."""
    tell = 'echo "$DATABASE_URL"; echo "$MARIADB_CONFIG"; echo "$MARIADB_PID"; exec sleep 900'
    with subprocess.Popen(
        ["script/with-mariadb", "--durable", "bash", "-c", tell],
        cwd=ours.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with pytest.MonkeyPatch.context() as patch:
                database = Database(*(process.stdout.readline().strip() for _ in range(3)), patch)
                yield database
                connection.close()
                database.end()
        finally:
            process.terminate()


class Database:
    """It has the tables of the test's own database, and this process is connected with it."""

    def __init__(self, url, config, pid, patch):
        self.url, self.config, self.pid, self.process = url, config, int(pid), None
        (self.socket,) = parse_qs(urlsplit(url).query)["unix_socket"]
        made = [*tables()]
        connection.close()
        patch.setitem(connection.settings_dict, "NAME", "talkplatform")
        patch.setitem(connection.settings_dict["OPTIONS"], "unix_socket", self.socket)
        lay(made)

    def kill(self):
        """End it in the middle of whatever it does, and start it on what is on its disk."""
        os.kill(self.pid, signal.SIGKILL)
        self.end()
        program = os.environ.get("DATABASE_SERVER", "mariadbd")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([program, f"--defaults-file={self.config}"], **quiet)
        self.pid = self.process.pid
        connection.close()
        surely(connection.ensure_connection)

    def end(self):
        """Take note of the end of the one that was started again."""
        if self.process:
            self.process.kill()
            self.process.wait()


def surely(act, passing=PASSING):
    """Do it until it works: what may be in the way passes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except passing:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Site:
    """Our server, which hears the webhooks, always at the same address."""

    def __init__(self, database, at_stripe):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "DATABASE_URL": database.url,
            "STRIPE_SECRET_KEY": KEY,
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "STRIPE_API_BASE": at_stripe.url,
            "PORT": str(self.port),
            "JOBS": "false",
            "WEB_PROCESSES": "2",
            "DEBUG": "true",
        }

    @contextmanager
    def up(self):
        self.start()
        try:
            yield self
        finally:
            self.kill()

    def start(self):
        self.running = running("-m", "talkplatform.serve", **self.environment)
        self.process = self.running.__enter__()
        self.process.url = self.url
        wait_until_ready(self.process)

    def kill(self):
        kill(self.process)
        self.running.__exit__(None, None, None)


class Person:
    """Tops up again and again; remembers what each was of, in cents, by the key of the top-up."""

    def __init__(self, user, at_stripe, seed):
        self.user, self.at_stripe = user, at_stripe
        self.dice = random.Random(seed)
        self.asked, self.promised = {}, []

    def top_up(self):
        cents = self.dice.randrange(500, 50_000)
        amount = Decimal(cents) / 100
        made = surely(lambda: request_top_up(user=self.user, amount=amount, method="stripe"))
        self.asked[str(made.pk)] = cents
        opened = self.open(made)
        choice = self.dice.choice(CHOICES)
        if opened and choice != "close":
            self.act(choice, opened.checkout_session)
        if self.dice.random() < 0.5:
            with suppress(*PASSING):  # they come back, or do not
                settle_top_up(made.pk)
        connection.close()

    def open(self, made):
        """Its page, unless Stripe keeps saying no."""
        for _ in range(3):
            with suppress(ProcessorUnavailable):
                return surely(lambda: open_checkout(made), (Unavailable, *LOST))
        return None

    def act(self, choice, session):
        """Do something on the page, if it was not paid before they saw it."""
        account = self.at_stripe.account
        found = surely(lambda: account.get(key=session, kind="checkout.session"), OSError)
        if found["status"] == "open":
            surely(lambda: getattr(account, choice)(session=session), OSError)
        if choice == "pay_later" and found["status"] == "open":
            self.promised.append((session, self.dice.random() < 0.6))

    def hear_of_promises(self):
        """The slow payments come, or not."""
        account = self.at_stripe.account
        for session, comes in self.promised:
            (account.arrive if comes else account.bounce)(session=session)

    def paid(self, references):
        """What of that has reached Stripe."""
        return sum(cents for key, cents in self.asked.items() if key in references)


class Job:
    """Asks for every open top-up, all the time."""

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
        while not self.over.wait(0.5):
            with suppress(*PASSING):
                self.pass_once()
            connection.close()

    def pass_once(self):
        """Whether all that there was to ask for is asked."""
        due = TopUp.objects.exclude(next_look_at=None)
        keys = due.order_by("?").values_list("pk", flat=True)[:20]
        TopUp.objects.filter(pk__in=[*keys]).update(next_look_at=timezone.now())
        return all(settle_all())


@pytest.fixture
def hasty(monkeypatch):
    """The library does not wait before it tries again, and nobody writes down what is tried."""
    logging.disable(logging.CRITICAL)
    monkeypatch.setattr(library.HTTPClient, "INITIAL_DELAY", 0.01)
    monkeypatch.setattr(library.HTTPClient, "MAX_DELAY", 0.01)
    yield
    logging.disable(logging.NOTSET)


def test_a_thousand_top_ups_are_credited_once_each(database, at_stripe, hasty, broken):
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    sys.stdout.write(f"SEED={seed}\n")
    people = [Person(UserFactory(), at_stripe, f"{seed}:{n}") for n in range(PEOPLE)]
    connection.close()
    at_stripe.habits(fees_later=True)
    at_stripe.faults.chance(calls=FAULTS, seed=seed)
    with Site(database, at_stripe).up() as site:
        hook = f"{site.url}/api/webhooks/stripe"
        chances = {"copies": [0, 1, 1, 2, 3], "late": 1.5, "kinds": "checkout", "seed": seed}
        at_stripe.post.goes(url=hook, **chances)
        killed, gone = site_is_killed(site), away(at_stripe)
        happens = [database.kill, killed, gone, database.kill]
        play(people, {(n + 1) * TOP_UPS // 5: act for n, act in enumerate(happens)})
        for person in people:
            person.hear_of_promises()
        at_stripe.faults.forget()
        sys.stdout.write(f"messages: {Counter(at_stripe.answered())}\n")
        at_stripe.post.goes()  # what was not heard by now never is
    at_stripe.account.book_fees()
    finish()
    compare(people, at_stripe)
    assert broken() == {}


def play(people, events):
    """All top up at once, and things happen in between; raises whatever went wrong with one.

    They happen at a number of top-ups, or as late as they would in all the time there is.
    """
    done, job, began = count(1), Job(), time.monotonic()
    reached = {number: threading.Event() for number in events}

    def left(share=1.0):
        return began + share * SECONDS - time.monotonic()

    def one(person):
        if left() > 0:
            person.top_up()
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


def site_is_killed(site):
    def happens():
        site.kill()
        site.start()

    return happens


def away(at_stripe):
    def happens():
        with at_stripe.down():
            time.sleep(0.2)

    return happens


def finish():
    """The job asks for all that is left; some of it is a page that Stripe never opened."""
    connection.close()
    TopUp.objects.exclude(next_look_at=None).update(next_look_at=timezone.now())
    while [*settle_all()]:
        pass


def compare(people, at_stripe):
    statuses = Counter(TopUp.objects.values_list("status", flat=True))
    sys.stdout.write(f"{statuses}\n")
    assert statuses["paid"] > len(people)
    sessions = at_stripe.account.all(kind="checkout.session")
    there = {one["client_reference_id"] for one in sessions if one["payment_status"] == "paid"}
    owned = [(credit_of(person.user) * 100, person.paid(there)) for person in people]
    assert [has for has, _ in owned] == [paid for _, paid in owned]
    assert agree(at_stripe)
    paid = TopUp.objects.filter(status="paid")
    assert not paid.filter(fee=None).exists()
    assert Transfer.objects.filter(kind="top_up").count() == paid.count()
    assert Notice.objects.filter(kind="top_up_paid").count() == paid.count()
