"""What a user can spend, and what is held."""

from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import F, Sum
from django.urls import reverse

from accounts.models import User
from common.money import ZERO, exact
from payments.models import HoldStatus, LedgerAccount, PaymentHold
from payments.processors import methods


def credit_of(user: User) -> Decimal:
    """Credit to spend; one statement."""
    wallet = LedgerAccount.objects.get(owner=user, kind=LedgerAccount.Kind.WALLET)
    return wallet.balance or ZERO


def balances_of(user: User) -> tuple[Decimal, Decimal]:
    """Credit to spend, and the sum held in escrow, both in credits; two statements."""
    waiting = F("amount") - F("released_amount") - F("refunded_amount")
    held = PaymentHold.objects.of(user).filter(status=HoldStatus.HELD).aggregate(sum=Sum(waiting))
    return credit_of(user), exact(held["sum"])


def where_to_get(missing: Decimal, *, wanted: str) -> str:
    """The page on which to get credit that is missing, in credits; it leads back to `wanted`."""
    if not methods():
        return reverse("payments:credit")
    asked = urlencode({"amount": missing, "next": wanted})
    return f"{reverse('payments:ask_for_top_up')}?{asked}"
