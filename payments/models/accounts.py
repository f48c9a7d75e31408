"""Accounts of users and of the system."""

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.models import LockingQuerySet, UUIDModel
from common.money import ZERO


class LedgerAccount(UUIDModel):
    """A user's account stores its balance; a system account's is the sum of its transfers.

    What a user owes stands on their wallet, and is empty then: nobody owes and has credit.
    """

    class Kind(models.TextChoices):
        WALLET = "wallet"
        EARNINGS = "earnings"
        WITHDRAWING = "withdrawing"
        ISSUED = "issued"
        ESCROW = "escrow"
        PLATFORM = "platform"
        PAID_OUT = "paid_out", "Paid out"
        STRIPE = "stripe"
        BANK = "bank"
        REHEARSAL = "rehearsal"
        IN_TRANSIT = "in_transit", "In transit"
        REFUNDING = "refunding"
        FEES = "fees"
        DEBTS = "debts"

    kind = models.CharField(max_length=20, choices=Kind)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="ledger_accounts"
    )
    balance = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    owed = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "ledger_accounts"
        permissions = [
            ("grant_credit", "Can grant and revoke credit"),
            ("audit_money", "Can see the money audit"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind"], name="ledger_accounts_one_per_owner"),
            models.CheckConstraint(
                condition=Q(owner__isnull=False, balance__gte=0)
                | Q(owner__isnull=True, balance__isnull=True),
                name="ledger_accounts_balance",
            ),
            models.CheckConstraint(
                condition=Q(owed=0) | Q(kind="wallet", balance=0, owed__gt=0),
                name="ledger_accounts_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner_id or ''}".strip()


Kind = LedgerAccount.Kind
USER_KINDS = (Kind.WALLET, Kind.EARNINGS, Kind.WITHDRAWING)
# Fixed keys, because a UNIQUE over a NULL owner would let two processes create two escrow accounts.
SYSTEM_ACCOUNTS = {
    Kind.ISSUED: UUID("00000000-0000-7000-8000-000000000001"),
    Kind.ESCROW: UUID("00000000-0000-7000-8000-000000000002"),
    Kind.PLATFORM: UUID("00000000-0000-7000-8000-000000000003"),
    Kind.PAID_OUT: UUID("00000000-0000-7000-8000-000000000004"),
    # Of money from outside: where it was taken in, where it is on its way, what it cost.
    Kind.STRIPE: UUID("00000000-0000-7000-8000-000000000005"),
    Kind.BANK: UUID("00000000-0000-7000-8000-000000000006"),
    Kind.REHEARSAL: UUID("00000000-0000-7000-8000-000000000007"),
    Kind.IN_TRANSIT: UUID("00000000-0000-7000-8000-000000000008"),
    Kind.REFUNDING: UUID("00000000-0000-7000-8000-000000000009"),
    Kind.FEES: UUID("00000000-0000-7000-8000-00000000000a"),
    Kind.DEBTS: UUID("00000000-0000-7000-8000-00000000000b"),
}
