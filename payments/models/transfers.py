"""Movements between accounts."""

from decimal import Decimal
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Sum, Value, When
from django.utils import timezone

from accounts.models import User
from common.fields import ExactCharField
from common.models import UUIDModel
from common.money import exact
from payments.models.accounts import Kind, LedgerAccount
from payments.models.disputes import Dispute
from payments.models.grants import Grant
from payments.models.holds import HoldPart, PaymentHold
from payments.models.refunds import TopUpRefund
from payments.models.topups import TopUp
from payments.models.withdrawals import Withdrawal

# Ends the key of what a debt took of a movement, or added to it.
OF_DEBT = ":debt"


class TransferQuerySet(models.QuerySet):
    def as_seen_by(self, user: User) -> Self:
        """The user's movements, each with the `account` concerned and whether it `paid`.

        Those of their debt too: what raised it paid for them, what lowered it came in.
        """
        accounts = list(LedgerAccount.objects.filter(owner=user).values_list("pk", flat=True))
        paid = Q(debit_account__in=accounts) | Q(debtor=user, debit_account__kind=Kind.DEBTS)
        return self.filter(paid | Q(credit_account__in=accounts) | Q(debtor=user)).annotate(
            paid=Case(When(paid, then=Value(1)), default=Value(0)),
            account=Case(
                When(paid, then=F("debit_account__kind")), default=F("credit_account__kind")
            ),
        )

    def of_event(self, dedupe_key: str) -> Self:
        """The movement of this key, and what of it a debt took."""
        return self.filter(dedupe_key__in=[dedupe_key, f"{dedupe_key}{OF_DEBT}"])

    def total_of(self, dedupe_key: str) -> Decimal:
        """How much they moved, in credits."""
        return exact(self.of_event(dedupe_key).aggregate(sum=Sum("amount"))["sum"])


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
        PAYBACK = "payback"
        PAYBACK_SENT = "payback_sent"
        PAYBACK_RETURNED = "payback_returned"
        DISPUTE = "dispute"
        DISPUTE_WON = "dispute_won"
        WRITE_OFF = "write_off"
        DISPUTE_FEE = "dispute_fee"

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
    dispute = models.ForeignKey(Dispute, models.PROTECT, null=True, related_name="transfers")
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, related_name="transfers")
    refund = models.ForeignKey(TopUpRefund, models.PROTECT, null=True, related_name="transfers")
    # Whose debt it is about, if it is one from or to the account of all debts.
    debtor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="debt_transfers"
    )
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
            # Likewise the sums of a hold; it serves the foreign key too.
            models.Index(fields=["hold", "kind", "amount"], name="transfers_of_hold"),
            # And those of a part, whose rows lie apart: they were written when it was settled.
            models.Index(
                fields=["hold_part", "hold", "kind", "dedupe_key", "amount"],
                name="transfers_of_part",
            ),
            models.Index(fields=["kind"], name="transfers_by_kind"),
            models.Index(fields=["kind", "actor"], name="transfers_by_actor"),
            models.Index(fields=["created_at"], name="transfers_newest"),
        ]

    def __str__(self) -> str:
        return self.dedupe_key
