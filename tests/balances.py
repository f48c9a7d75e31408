"""What the accounts of users hold."""

from decimal import Decimal

from accounts.models import User
from payments.models import LedgerAccount


def balance(user: User, kind: str = "wallet") -> Decimal:
    return LedgerAccount.objects.get(owner=user, kind=kind).balance
