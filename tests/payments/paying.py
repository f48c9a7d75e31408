"""What payers, Stripe and our webhook do in tests of money from outside."""

from decimal import Decimal
from typing import Any

from payments.models import LedgerAccount
from payments.services.topups import settle_top_up

HOOK = "/api/webhooks/stripe"
NOTHING = Decimal("0.00")
TWENTY = Decimal("20.00")


def tell(client, message, **changes):
    """Give a message to our webhook; gives the status of its answer."""
    message = message | changes
    return client.post(
        HOOK,
        message["body"],
        content_type="application/json",
        headers={"Stripe-Signature": message["signature"]},
    ).status_code


def pay(stand_in, top_up, **otherwise):
    stand_in.account.pay(session=top_up.checkout_session, **otherwise)


def settled(top_up):
    """The top-up, asked about."""
    return settle_top_up(top_up.pk)


def stripe_account():
    """What the books say lies at Stripe: debited less credited."""
    account = LedgerAccount.objects.get(kind="stripe")
    came, went = (
        sum(rows.values_list("amount", flat=True), NOTHING)
        for rows in (account.debits.all(), account.credits.all())
    )
    return came - went


def agree(stand_in):
    return stripe_account() * 100 == stand_in.balance


def sessions_of(at_stripe):
    return [one["id"] for one in at_stripe.account.all(kind="checkout.session")]


def foreign() -> Any:
    """Of another shop with the same account."""
    price = {"currency": "usd", "unit_amount": 2000, "product_data": {"name": "A shirt"}}
    items = [{"quantity": 1, "price_data": price}]
    return {"mode": "payment", "success_url": "https://shop.example/", "line_items": items}
