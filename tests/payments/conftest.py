from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from payments.models import TopUp
from payments.processors import stripe
from payments.services.topups import open_checkout, request_top_up, settle_top_up
from tests.factories import UserFactory
from tests.payments.paying import pay
from tests.stripe.stand_in import KEY, SECRET, StandIn


@pytest.fixture
def at_stripe(stand_in: StandIn, settings: Any, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """We top up at Stripe, which knows nothing yet; and ask again as soon as it was silent."""
    monkeypatch.setattr(stripe, "SILENT_SECONDS", 0)
    settings.PAYMENTS = ""
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = KEY, [SECRET]
    settings.STRIPE_API_BASE = stand_in.url
    settings.TOP_UPS_PER_HOUR = 1000
    return stand_in


@pytest.fixture
def ask(at_stripe: StandIn) -> Callable[..., TopUp]:
    """A top-up of 20.00 is asked for; of nobody in particular, if nobody is named."""

    def ask_for(user: Any = None, amount: str = "20.00") -> TopUp:
        return request_top_up(user=user or UserFactory(), amount=Decimal(amount), method="stripe")

    return ask_for


@pytest.fixture
def opened(ask: Callable[..., TopUp]) -> Callable[..., TopUp]:
    """One whose page is open."""
    return lambda *args, **kwargs: open_checkout(ask(*args, **kwargs))


@pytest.fixture
def books_are_clean(broken: Callable[[], dict[str, list[str]]]) -> Iterator[None]:
    """No invariant is broken in the end."""
    yield
    assert broken() == {}


@pytest.fixture
def paid(opened: Callable[..., TopUp], at_stripe: StandIn) -> Callable[..., TopUp]:
    """A top-up of 20.00 that is paid and credited; of this user, if one is named."""

    def pay_one(user: Any = None, amount: str = "20.00") -> TopUp:
        top_up = opened(user, amount)
        pay(at_stripe, top_up)
        return settle_top_up(top_up.pk)

    return pay_one
