"""Movements between accounts."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from accounts.models import User
from common.fields import ExactCharField
from common.models import UUIDModel
from payments.models.accounts import LedgerAccount
from payments.models.holds import HoldPart, PaymentHold
from payments.models.topups import TopUp
from payments.models.withdrawals import Withdrawal


class TransferQuerySet(models.QuerySet):
    def as_seen_by(self, user: User) -> Self:
        """The user's movements, each with the `account` concerned and whether it `paid`."""
        accounts = list(LedgerAccount.objects.filter(owner=user).values_list("pk", flat=True))
        paid = Q(debit_account__in=accounts)
        return self.filter(paid | Q(credit_account__in=accounts)).annotate(
            paid=Case(When(paid, then=Value(1)), default=Value(0)),
            account=Case(
                When(paid, then=F("debit_account__kind")), default=F("credit_account__kind")
            ),
        )


class Transfer(UUIDModel):
    """One movement from one account to another. Rows are written once and never changed."""

    class Kind(models.TextChoices):
        GRANT = "grant"
        REVOKE = "revoke"
        HOLD = "hold"
        REFUND = "refund"
        RELEASE = "release"
        WITHDRAW = "withdraw"
        WITHDRAWAL_RETURNED = "withdrawal_returned"
        PAYOUT = "payout"
        TOP_UP = "top_up"
        FEE = "fee"

    # The business event: the database itself prevents it from moving money twice.
    dedupe_key = ExactCharField(max_length=100, unique=True)
    kind = models.CharField(max_length=30, choices=Kind)
    debit_account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="debits")
    credit_account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="credits")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    hold = models.ForeignKey(PaymentHold, models.PROTECT, null=True, related_name="transfers")
    hold_part = models.ForeignKey(HoldPart, models.PROTECT, null=True, related_name="transfers")
    withdrawal = models.ForeignKey(Withdrawal, models.PROTECT, null=True, related_name="transfers")
    top_up = models.ForeignKey(TopUp, models.PROTECT, null=True, related_name="transfers")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="caused_transfers"
    )
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TransferQuerySet.as_manager()

    class Meta:
        db_table = "transfers"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfers_amount"),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="transfers_two_accounts"
            ),
        ]
        indexes = [
            # With the amount at their end, so that the sums of an account read only the index.
            models.Index(fields=["debit_account", "-created_at", "amount"], name="transfers_out"),
            models.Index(fields=["credit_account", "-created_at", "amount"], name="transfers_in"),
        ]

    def __str__(self) -> str:
        return self.dedupe_key
