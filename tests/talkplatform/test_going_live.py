"""Credit that was paid for with no real money never buys anything where money is real."""

import pytest
from django.core import checks
from django.core.checks import run_checks
from django.db import connection

from payments.models import TopUp
from tests.factories import UserFactory, top_up_of

pytestmark = pytest.mark.django_db


def problems() -> list[str]:
    """What the checks that `migrate` runs say about the top-ups."""
    found = run_checks(tags=[checks.Tags.database], databases=["default"])
    return [error.msg for error in found if error.id == "talkplatform.E002"]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("key", "rehearsal", "is_real"),
    [
        ("sk_live_1", "", True),
        ("sk_test_1", "", False),
        ("", "rehearsal", False),
    ],
)
def test_real_and_played_top_ups_do_not_meet(settings, live, key, rehearsal, is_real):
    paid = top_up_of(UserFactory())
    TopUp.objects.update(live=live)
    settings.STRIPE_SECRET_KEY, settings.PAYMENTS = key, rehearsal
    assert [paid.reference in problem for problem in problems()] == [True] * (live != is_real)


def test_what_was_never_paid_hinders_nobody(settings):
    top_up_of(UserFactory(), play_it="failed")
    settings.STRIPE_SECRET_KEY = "sk_live_1"
    assert problems() == []


def test_where_nobody_tops_up_all_may_stay():
    top_up_of(UserFactory())
    assert problems() == []


def test_a_database_that_is_yet_to_be_made_has_none(settings, monkeypatch):
    settings.STRIPE_SECRET_KEY = "sk_live_1"
    monkeypatch.setattr(connection.introspection, "table_names", lambda *args: [])
    assert problems() == []
