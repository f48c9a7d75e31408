"""Debts that are given up."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from common.models import LockingQuerySet, UUIDModel
from common.money import ZERO
from payments.conditions import TWO_PEOPLE


class DebtWriteOff(UUIDModel):
    """What one of the staff wants written off of a user's debt, and another decides on.

    `recovered` is what came back of it from a bank after all: then it is the platform's.
    """

    class Status(models.TextChoices):
        ASKED = "asked"
        WRITTEN_OFF = "written_off", "Written off"
        REFUSED = "refused"

    debtor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="write_offs")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=20, choices=Status, default=Status.ASKED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="asked_write_offs"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="decided_write_offs"
    )
    decided_at = models.DateTimeField(null=True)
    recovered = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "debt_write_offs"
        verbose_name = "debt write-off"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="debt_write_offs_amount"),
            models.CheckConstraint(condition=TWO_PEOPLE, name="debt_write_offs_decided"),
            models.CheckConstraint(
                condition=Q(recovered__gte=0, recovered__lte=F("amount")),
                name="debt_write_offs_recovered",
            ),
            models.CheckConstraint(
                condition=~Q(asked_by=F("debtor"))
                & (
                    Q(decided_by__isnull=True)
                    | (~Q(decided_by=F("asked_by")) & ~Q(decided_by=F("debtor")))
                ),
                name="debt_write_offs_two_people",
            ),
        ]
        indexes = [models.Index(fields=["status", "asked_at"], name="debt_write_offs_waiting")]

    def __str__(self) -> str:
        return str(self.pk)
