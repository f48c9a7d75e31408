"""Credit bought with money from outside: asked for, paid elsewhere, credited here once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.errors import TooManyAttempts
from payments.errors import AmountOutOfRange, ProcessorUnavailable
from payments.models import TopUp, Transfer
from payments.processors.rehearsal import play
from payments.services.topups import request_top_up, settle_top_up
from payments.wallets import credit_of
from tests.factories import UserFactory, top_up_of
from tests.telling import mailed, told, words_of

pytestmark = pytest.mark.django_db
Status = TopUp.Status


@pytest.fixture(autouse=True)
def rehearsing(settings):
    settings.PAYMENTS = "rehearsal"


@pytest.fixture
def student():
    return UserFactory()


def ask(user, amount="20.00", **more):
    return request_top_up(user=user, amount=Decimal(amount), method="rehearsal", **more)


def test_it_is_credited_once_however_often_it_is_settled(student, broken):
    top_up = top_up_of(student, play_it="")
    assert settle_top_up(top_up.pk).status == Status.CREATED
    play(top_up, "paid")
    for _ in range(3):
        assert settle_top_up(top_up.pk).status == Status.PAID
    assert credit_of(student) == Decimal("20.00")
    assert [t.kind for t in Transfer.objects.all()] == ["top_up"]
    assert broken() == {}


@pytest.mark.parametrize(("played", "status"), [("failed", "failed"), ("closed", "expired")])
def test_what_is_not_paid_ends(student, played, status, broken):
    top_up = top_up_of(student, play_it=played)
    assert top_up.status == status
    assert settle_top_up(top_up.pk).next_look_at is None
    assert credit_of(student) == 0
    assert broken() == {}


@pytest.mark.parametrize("amount", ["4.99", "500.01"])
def test_too_little_and_too_much_are_refused(student, amount):
    with pytest.raises(AmountOutOfRange):
        ask(student, amount)
    assert not TopUp.objects.exists()


def test_ten_an_hour(student, settings):
    settings.TOP_UPS_PER_HOUR = 2
    first, _ = ask(student), ask(student)
    with pytest.raises(TooManyAttempts):
        ask(student)
    ask(UserFactory())
    TopUp.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(minutes=61))
    ask(student)


def test_where_nothing_is_set_up_nobody_tops_up(student, settings):
    settings.PAYMENTS = ""
    with pytest.raises(ProcessorUnavailable):
        ask(student)


def test_the_job_settles_what_nobody_came_back_for(student, broken):
    top_up = top_up_of(student, play_it="")
    play(top_up, "pending")
    assert settle_top_up(top_up.pk).pending_since
    TopUp.objects.update(next_look_at=timezone.now())
    type(top_up.rehearsal).objects.update(pays_at=timezone.now())
    call_command("settle_top_ups")
    assert credit_of(student) == Decimal("20.00")
    assert broken() == {}


@pytest.mark.parametrize(
    ("kind", "played", "subject", "said", "more"),
    [
        (
            "top_up_paid",
            "paid",
            "Receipt: $20.00 of credit",
            "Your top-up of $20.00 is in your credit.",
            ["Paid with: Rehearsal", "See your receipt:"],
        ),
        (
            "top_up_failed",
            "failed",
            "Top-up failed: $20.00",
            "Your top-up of $20.00 failed: the payment didn't go through. Nothing was charged.",
            ["Open your credit:", "/credit/"],
        ),
    ],
)
def test_the_payer_is_told_once(student, kind, played, subject, said, more):
    top_up = top_up_of(student, play_it=played)
    settle_top_up(top_up.pk)
    notice = told(student, kind)
    page = [f"/credit/top-ups/{top_up.pk}/"] if played == "paid" else []
    rows = ["Test: No real money", f"Reference: {top_up.reference}", "Amount: $20.00"]
    assert mailed(notice) == [subject, said, *rows, *more, *page]
    assert words_of(notice) == said


@pytest.mark.parametrize("real", [{"live": True}, {}])
def test_what_was_paid_with_real_money_says_nothing_of_a_test(student, real):
    """Nor does what was told before that was kept."""
    top_up_of(student)
    notice = told(student, "top_up_paid")
    notice.facts.pop("live")
    notice.facts |= real
    notice.save(update_fields=["facts"])
    assert not [row for row in mailed(notice) if "real money" in row]
