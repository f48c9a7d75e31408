"""Earnings on their way out."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from common.models import LockingQuerySet, UUIDModel
from payments.conditions import COMPLETED, DECIDED
from payments.sealing import hint, unseal


class WithdrawalQuerySet(LockingQuerySet):
    def of(self, user: User) -> Self:
        return self.filter(teacher=user)

    def newest_first(self) -> Self:
        return self.order_by("-requested_at", "-id")


class Withdrawal(UUIDModel):
    """Earnings that a teacher or referrer asked to be paid out.

    `decided_by` approved it, or rejected it without approval; the person who paid it, or rejected
    it later, is the actor of the transfer. `notes` say why it was rejected.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        APPROVED = "approved"
        COMPLETED = "completed"
        REJECTED = "rejected"
        CANCELLED = "cancelled"

    teacher = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="withdrawals"
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=20, choices=Status, default=Status.REQUESTED)
    # Sealed, so that access to the database alone reveals no account number.
    payout_details = models.TextField()
    payout_reference = models.CharField(max_length=100, blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="decided_withdrawals"
    )
    completed_at = models.DateTimeField(null=True)
    notes = models.TextField(blank=True)

    objects = WithdrawalQuerySet.as_manager()

    class Meta:
        db_table = "withdrawals"
        permissions = [("decide_withdrawal", "Can approve, complete and reject withdrawals")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="withdrawals_amount"),
            models.CheckConstraint(condition=DECIDED, name="withdrawals_decided"),
            models.CheckConstraint(condition=COMPLETED, name="withdrawals_completed"),
            models.CheckConstraint(
                condition=~Q(decided_by=F("teacher")), name="withdrawals_four_eyes"
            ),
        ]
        indexes = [
            models.Index(fields=["teacher", "-requested_at"], name="withdrawals_mine"),
            models.Index(fields=["status"], name="withdrawals_by_status"),
            models.Index(fields=["requested_at"], name="withdrawals_newest"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def masked_details(self) -> str:
        """Where it is paid, as anyone may see it: the last four characters."""
        return hint(self.payout_details)

    def reveal_details(self) -> str:
        """Where it is paid, in full: only for the person who pays it."""
        return unseal(self.payout_details)
