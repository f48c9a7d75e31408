"""Webhook, return page and job at once, and whatever breaks on the way to Stripe: credit once."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection

from common.errors import Unavailable
from enrollments.services.enrolling import enroll_full_course
from payments.errors import ProcessorUnavailable
from payments.models import TopUp, Transfer
from payments.processors import stripe
from payments.services import topups
from payments.services.events import take_event
from payments.services.topups import open_checkout, request_top_up, settle_all, settle_top_up
from payments.wallets import credit_of
from tests.concurrency.operations import Fault, PulledPlugError, statements_of
from tests.concurrency.racing import kinds, make_due, race
from tests.concurrency.test_faults import connection_lost_at_commit
from tests.factories import UserFactory, make_course, student_with_credit
from tests.payments.conftest import ask, at_stripe, opened
from tests.payments.paying import agree

__all__ = ["ask", "at_stripe", "opened"]

pytestmark = pytest.mark.django_db(transaction=True)
TWENTY = Decimal("20.00")


def by_webhook(at_stripe):
    """What comes of the last thing that Stripe told."""
    message = at_stripe.messages("checkout.session.completed")[-1]
    return take_event(stripe.receive(message["body"].encode(), message["signature"]))


def by_job():
    make_due(TopUp)
    assert all(settle_all())


@pytest.fixture
def paid(opened, at_stripe):
    top_up = opened()
    at_stripe.account.pay(session=top_up.checkout_session)
    return top_up


def three_ways(at_stripe, top_up):
    return [partial(by_webhook, at_stripe), partial(settle_top_up, top_up.pk), by_job]


@pytest.mark.mariadb
def test_webhook_return_page_and_job_at_once_credit_once(opened, at_stripe, retried, broken):
    for _ in range(5):
        top_up = opened()
        at_stripe.account.pay(session=top_up.checkout_session)
        outcomes = race(*three_ways(at_stripe, top_up) * 2)
        assert not [one for one in outcomes if isinstance(one, Exception)]
        assert credit_of(top_up.user) == TWENTY
    assert retried == []
    assert agree(at_stripe)
    assert broken() == {}


@pytest.mark.mariadb
def test_without_the_lock_the_key_alone_is_left(paid, at_stripe, without_locks, meeting, broken):
    """The race is real: all three find it unpaid, and two of them fail."""
    meeting(3).before(topups.ledger, "transfer_all")
    outcomes = race(*[partial(settle_top_up, paid.pk)] * 3)
    assert kinds(outcomes) == {"TopUp": 1, "IntegrityError": 2}
    assert credit_of(paid.user) == TWENTY


@pytest.mark.mariadb
def test_without_the_lock_and_the_key_it_is_credited_three_times(
    paid, at_stripe, without_locks, meeting, monkeypatch, broken
):
    make, numbers = topups.Entry, iter(range(100))

    def keyless(**fields):
        return make(**fields | {"dedupe_key": f"none:{next(numbers)}"})

    monkeypatch.setattr(topups, "Entry", keyless)
    meeting(3).before(topups.ledger, "transfer_all")
    assert kinds(race(*[partial(settle_top_up, paid.pk)] * 3)) == {"TopUp": 3}
    assert Transfer.objects.filter(kind="top_up").count() == 3
    assert "I16" in broken()
    assert not agree(at_stripe)


@pytest.fixture
def outdated(opened, at_stripe, interruption, monkeypatch):
    """Stripe is asked, and while its answer is on its way, the money arrives and is credited."""
    top_up = opened()
    at_stripe.account.pay_later(session=top_up.checkout_session)
    look, first = stripe.Stripe.look, []

    def slowly(self, asked):
        found = look(self, asked)
        if not first:
            first.append(found)
            interruption.wait()
        return found

    def arrive():
        at_stripe.account.arrive(session=top_up.checkout_session)
        return settle_top_up(top_up.pk)

    monkeypatch.setattr(stripe.Stripe, "look", slowly)

    def run():
        race(partial(settle_top_up, top_up.pk), interruption.by(arrive))
        return TopUp.objects.get()

    return run


@pytest.mark.mariadb
def test_an_answer_that_is_outdated_takes_nothing_back(outdated, at_stripe, broken):
    top_up = outdated()
    assert (top_up.status, top_up.pending_since) == ("paid", None)
    assert credit_of(top_up.user) == TWENTY
    assert broken() == {}


@pytest.mark.mariadb
def test_twin_who_follows_every_answer_waits_for_what_is_there(outdated, monkeypatch):
    monkeypatch.setattr(TopUp, "is_open", property(lambda top_up: True))
    top_up = outdated()
    assert top_up.status == "paid"
    assert top_up.pending_since


@pytest.mark.mariadb
def test_parallel_requests_count_each_other(ask, settings):
    settings.TOP_UPS_PER_HOUR = 3
    user = UserFactory()
    outcomes = race(*[partial(ask, user)] * 8)
    assert kinds(outcomes) == {"TopUp": 3, "TooManyAttempts": 5}


@pytest.mark.mariadb
def test_twin_without_the_lock_counts_too_few(ask, settings, without_locks, meeting):
    settings.TOP_UPS_PER_HOUR = 3
    user = UserFactory()
    meeting(8).after(topups, "_refuse_too_many")
    assert kinds(race(*[partial(ask, user)] * 8)) == {"TopUp": 8}


@pytest.mark.mariadb
def test_a_page_opened_many_times_at_once_is_one(ask, at_stripe):
    top_up = ask()
    race(*[partial(open_checkout, top_up)] * 6)
    sessions = at_stripe.account.all(kind="checkout.session")
    assert [one["id"] for one in sessions] == [TopUp.objects.get().checkout_session]


@pytest.mark.mariadb
def test_who_buys_while_the_credit_comes_waits_for_it_at_most(opened, at_stripe, retried, broken):
    for _ in range(5):
        student = student_with_credit("100.00")
        top_up = opened(student)
        at_stripe.account.pay(session=top_up.checkout_session)
        course = make_course()
        buy = partial(enroll_full_course, student=student, course_id=course.pk)
        outcomes = race(buy, partial(settle_top_up, top_up.pk), buy)
        assert kinds(outcomes) == {"CourseEnrollment": 1, "TopUp": 1, "AlreadyEnrolled": 1}
        assert credit_of(student) == TWENTY
    assert retried == []
    assert broken() == {}


# --- silence -------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch):
    """We wait for one second each time."""
    assert (stripe.CONNECT_SECONDS, stripe.READ_SECONDS, stripe.RETRIES) == (5, 5, 1)
    monkeypatch.setattr(stripe, "READ_SECONDS", 1)
    stripe._client_for.cache_clear()
    yield
    stripe._client_for.cache_clear()


@pytest.mark.mariadb
@pytest.mark.parametrize("what", ["silence", "deaf"])
def test_silence_holds_one_request_for_a_while_and_nobody_else(
    what, ask, opened, at_stripe, impatient, broken
):
    student = student_with_credit("100.00")
    silent, paid, course = ask(student), opened(student), make_course()
    at_stripe.account.pay(session=paid.checkout_session)
    about = f"topup:{silent.pk}"
    at_stripe.faults.next(call="create_session", what=what, times=2, about=about)

    def open_it():
        try:
            before = time.monotonic()
            open_checkout(silent)
        except ProcessorUnavailable:
            return time.monotonic() - before
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(open_it)
        while len(at_stripe.asked("create_session")) < 2:
            assert not held.done()
        before = time.monotonic()
        assert settle_top_up(paid.pk).status == "paid"
        enroll_full_course(student=student, course_id=course.pk)
        assert open_checkout(ask(student)).checkout_url
        assert not held.done()
        assert time.monotonic() - before < 2
        assert 2 <= held.result(30) < 4
    assert open_checkout(silent).checkout_url
    assert credit_of(student) == TWENTY
    assert broken() == {}


# --- what breaks off -----------------------------------------------------------------------------


class Story:
    """Somebody tops up, pays, and Stripe tells: each step, where the one before was done."""

    def __init__(self, at_stripe):
        self.at_stripe, self.user = at_stripe, UserFactory()

    def run(self):
        made = request_top_up(user=self.user, amount=TWENTY, method="stripe")
        opened = open_checkout(made)
        self.at_stripe.account.pay(session=opened.checkout_session)
        by_webhook(self.at_stripe)

    def recover(self):
        """Nobody does anything any more but the job, and whoever comes back to pay."""
        by_job()
        for top_up in TopUp.objects.of(self.user).filter(status="created"):
            self.at_stripe.account.pay(session=top_up.checkout_session)
        by_job()


def test_broken_off_at_any_statement_it_is_credited_once(at_stripe, broken):
    statements = statements_of(Story(at_stripe).run)
    assert statements > 15
    for k in range(1, statements + 1):
        story = Story(at_stripe)
        with connection.execute_wrapper(Fault(k)), pytest.raises(PulledPlugError):
            story.run()
        assert broken() == {}, f"statement {k}"
        asked = TopUp.objects.of(story.user).count()
        story.recover()
        assert credit_of(story.user) == asked * TWENTY, f"statement {k}"
        assert agree(at_stripe), f"statement {k}"
    assert broken() == {}


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("step", range(3))
def test_a_connection_lost_at_commit_credits_once(step, after, at_stripe, broken):
    """Between what we commit and what Stripe answers, and the other way round."""
    story = Story(at_stripe)
    steps = [
        lambda: request_top_up(user=story.user, amount=TWENTY, method="stripe"),
        lambda: open_checkout(TopUp.objects.get()),
        lambda: by_webhook(at_stripe),
    ]
    for number, act in enumerate(steps):
        if number == 2:
            session = TopUp.objects.get().checkout_session
            at_stripe.account.pay(session=session)
        if number == step:
            with connection_lost_at_commit(after=after), pytest.raises(Unavailable):
                act()
            break
        act()
    asked = TopUp.objects.count()
    story.recover()
    assert credit_of(story.user) == asked * TWENTY
    assert asked == (step > 0 or after)
    assert agree(at_stripe)
    assert broken() == {}
