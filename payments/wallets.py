"""What a user can spend, and what is held."""

from decimal import Decimal

from django.db.models import F, Sum

from accounts.models import User
from common.money import ZERO, exact
from payments.models import HoldStatus, LedgerAccount, PaymentHold


def credit_of(user: User) -> Decimal:
    """Credit to spend; one statement."""
    wallet = LedgerAccount.objects.get(owner=user, kind=LedgerAccount.Kind.WALLET)
    return wallet.balance or ZERO


def balances_of(user: User) -> tuple[Decimal, Decimal]:
    """Credit to spend, and the sum held in escrow, both in credits; two statements."""
    waiting = F("amount") - F("released_amount") - F("refunded_amount")
    held = PaymentHold.objects.of(user).filter(status=HoldStatus.HELD).aggregate(sum=Sum(waiting))
    return credit_of(user), exact(held["sum"])
