"""Money that goes back to where it came from."""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from common.fields import ExactCharField
from common.models import LockingQuerySet, UUIDModel
from common.money import total
from payments.conditions import REFUND_STEPS
from payments.models.topups import SILENCE, TopUp


class TopUpRefundQuerySet(LockingQuerySet):
    def of(self, user: User) -> Self:
        return self.filter(user=user)

    def open(self) -> Self:
        """Those whose money is reserved, and hasn't gone or come back yet."""
        return self.filter(status__in=[TopUpRefund.Status.REQUESTED, TopUpRefund.Status.SENT])

    def known_as(self, processor_id: str, about: str) -> Self:
        """The one with this id at its processor; or with our key, as long as we don't know the id.

        One statement: between two of them the answer with the id may be booked.
        """
        mine = Q(processor_id=processor_id)
        with suppress(ValueError):
            mine |= Q(pk=UUID(about), processor_id=None, status=TopUpRefund.Status.REQUESTED)
        return self.filter(mine)

    def requests(self) -> Self:
        """The first of each request, with all of it in one additional statement."""
        return self.filter(pk=F("request_id")).prefetch_related("rows__top_up")

    def to_look_at(self, now: datetime) -> Self:
        """Those of which the processor is to be asked again by now, longest due first."""
        return self.filter(next_look_at__lte=now).order_by("next_look_at")

    def in_question(self, now: datetime) -> Self:
        """Those that staff have to look into: the processor says something else, or nothing."""
        silent = Q(status=TopUpRefund.Status.REQUESTED, requested_at__lt=now - SILENCE)
        return self.filter(~Q(problem="") | silent)


class TopUpRefund(UUIDModel):
    """What goes back of one top-up. The rows of one `request` were asked for together.

    Its credit is reserved before its processor is asked. A refund that succeeded can fail weeks
    later: then it is credit again. Of a `problem` staff have to see, as with top-ups.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        SENT = "sent"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    request = models.ForeignKey("self", models.PROTECT, related_name="rows")
    top_up = models.ForeignKey(TopUp, models.PROTECT, related_name="refunds")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="refunds")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=20, choices=Status, default=Status.REQUESTED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="asked_refunds"
    )
    reason = models.CharField(max_length=500, blank=True)
    processor_id = ExactCharField(max_length=255, unique=True, null=True)
    requested_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True)
    problem = models.CharField(max_length=200, blank=True)
    looks = models.PositiveSmallIntegerField(default=0)
    next_look_at = models.DateTimeField(null=True)

    objects = TopUpRefundQuerySet.as_manager()

    class Meta:
        db_table = "top_up_refunds"
        verbose_name = "top-up refund"
        permissions = [("refund_topup", "Can refund top-ups")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="top_up_refunds_amount"),
            models.CheckConstraint(condition=REFUND_STEPS, name="top_up_refunds_steps"),
        ]
        indexes = [
            models.Index(fields=["user", "-requested_at", "-id"], name="top_up_refunds_mine"),
            models.Index(fields=["next_look_at"], name="top_up_refunds_to_look_at"),
            models.Index(fields=["status"], name="top_up_refunds_by_status"),
            models.Index(fields=["requested_at"], name="top_up_refunds_newest"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def total(self) -> Decimal:
        """How much was asked for together with this, the first row of its request."""
        return total(row.amount for row in self.rows.all())

    @property
    def status_of_all(self) -> str:
        """How far the request is: as far as the row that is least far; failed if any has."""
        found = {row.status for row in self.rows.all()}
        return next(status for status in WORST_FIRST if status in found)

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.REQUESTED, self.Status.SENT)


Status = TopUpRefund.Status
WORST_FIRST = (Status.FAILED, Status.REQUESTED, Status.SENT, Status.SUCCEEDED)
