"""What a user can spend, and what is held."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import F, Sum
from django.urls import reverse

from accounts.models import User
from common.money import ZERO, exact
from payments import queries
from payments.models import HoldStatus, LedgerAccount, PaymentHold
from payments.processors import methods


class Standing(NamedTuple):
    """In credits: what a user can spend, what is held in escrow, and what they owe."""

    credit: Decimal
    held: Decimal
    owed: Decimal


def credit_of(user: User) -> Decimal:
    """Credit to spend; one statement."""
    return _wallet_of(user).balance or ZERO


def worth_of(user: User) -> Decimal:
    """Credit to spend, or below zero what a user owes; one statement."""
    wallet = _wallet_of(user)
    return (wallet.balance or ZERO) - wallet.owed


def balances_of(user: User) -> tuple[Decimal, Decimal]:
    """Credit to spend, and the sum held in escrow, both in credits; two statements."""
    credit, held, _ = standing_of(user)
    return credit, held


def standing_of(user: User) -> Standing:
    """The same, and what they owe."""
    waiting = F("amount") - F("released_amount") - F("refunded_amount")
    held = PaymentHold.objects.of(user).filter(status=HoldStatus.HELD).aggregate(sum=Sum(waiting))
    wallet = _wallet_of(user)
    return Standing(wallet.balance or ZERO, exact(held["sum"]), wallet.owed)


def _wallet_of(user: User) -> LedgerAccount:
    [wallet] = queries.account(LedgerAccount.Kind.WALLET, user.pk)
    return wallet


def owed_by(users: Iterable[UUID]) -> dict[UUID | None, Decimal]:
    """What each of these users owes, in credits; one statement."""
    wallets = LedgerAccount.objects.filter(owner__in=users, kind=LedgerAccount.Kind.WALLET)
    return dict(wallets.values_list("owner", "owed"))


def where_to_get(missing: Decimal | str, *, wanted: str) -> tuple[str, str]:
    """The page on which to get credit that is missing, in credits, and the words of a link to it.

    It leads back to `wanted`.
    """
    if not methods():
        return reverse("payments:credit"), "How to get credit"
    asked = urlencode({"amount": missing, "next": wanted})
    return f"{reverse('payments:ask_for_top_up')}?{asked}", "Top up"
