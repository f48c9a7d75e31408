from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.browser.conftest import browser
from tests.stripe.stand_in import KEY, StandIn

__all__ = ["browser"]


@pytest.fixture
def library(stand_in: StandIn) -> stripe.StripeClient:
    """The official library as it is; only where Stripe is, is said to it."""
    return client(stand_in.url)


def client(url: str, key: str = KEY, **options: Any) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0, **options)


@pytest.fixture
def open_session(library: stripe.StripeClient, stand_in: StandIn) -> Callable[..., Any]:
    """Opens a Checkout session of 25.00 USD."""

    def open_one(options: Any = None, **changes: Any) -> Any:
        return library.v1.checkout.sessions.create(asked(**changes), options)

    return open_one


def asked(**changes: Any) -> Any:
    price = {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "Credit"}}
    return {
        "mode": "payment",
        "success_url": "https://learn.example/credit?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://learn.example/credit",
        "client_reference_id": "17",
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": {"top_up": "17"},
        "payment_intent_data": {"metadata": {"top_up": "17"}},
        "allowed_payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},
    } | changes
