"""Accounts exist before money moves: three with each user, the system's with the tables."""

from typing import Any

from django.apps import apps as current_apps

from accounts.models import User
from common.money import ZERO
from payments.models import SYSTEM_ACCOUNTS, USER_KINDS, LedgerAccount


def open_user_accounts(sender: type, instance: User, created: bool, raw: bool, **_: Any) -> None:
    """A new user's wallet, earnings and withdrawing accounts."""
    if created and not raw:
        LedgerAccount.objects.bulk_create(
            LedgerAccount(kind=kind, owner=instance, balance=ZERO) for kind in USER_KINDS
        )


def open_system_accounts(sender: Any, using: str, apps: Any = current_apps, **_: Any) -> None:
    """After each migration and flush; a repeat changes nothing."""
    try:
        account = apps.get_model("payments", "LedgerAccount")
    except LookupError:  # migrated back to zero
        return
    account.objects.using(using).bulk_create(
        [account(id=key, kind=kind) for kind, key in SYSTEM_ACCOUNTS.items()],
        ignore_conflicts=True,
    )
