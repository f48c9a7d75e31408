"""Money of a top-up that its payer's bank takes back, or that was refunded at Stripe's own desk."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from common.fields import ExactCharField
from common.models import LockingQuerySet, UUIDModel
from common.money import ZERO, total
from payments.models.topups import TopUp

# A refund can come back weeks later.
LONGEST_RETURN = timedelta(days=90)


class DisputeQuerySet(LockingQuerySet):
    def to_look_at(self, now: datetime) -> Self:
        """Those of which the processor is to be asked again by now, longest due first."""
        return self.filter(next_look_at__lte=now).order_by("next_look_at")

    def with_a_bank(self, user_id: UUID) -> Decimal:
        """What was taken of a user's payments and may yet come back, in credits."""
        open_ = self.filter(top_up__user=user_id, taken__gt=F("given_back"))
        rows = open_.exclude(status__in=Dispute.CLOSED).values_list("taken", "given_back")
        return total(taken - back for taken, back in rows)

    def to_answer(self) -> Self:
        """Those that wait for an answer of ours, or for a look: the first due first."""
        return self.filter(Q(status__in=Dispute.TO_ANSWER) | ~Q(problem="")).order_by(
            "due_by", "pk"
        )


class Dispute(UUIDModel):
    """A dispute of Stripe's, or a refund made at its desk, with the money that moved so far.

    `taken` and `given_back` are what its own balance transactions moved, and `fee` what they cost.
    Of a `problem` staff have to see: something that was said of it can't be, so nothing follows.
    """

    class Kind(models.TextChoices):
        DISPUTE = "dispute"
        DESK_REFUND = "desk_refund", "Refund at Stripe's desk"

    # As Stripe calls them.
    INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")
    TO_ANSWER = ("needs_response", "warning_needs_response")
    OPEN = ("needs_response", "under_review")
    CLOSED = ("won", "lost", "warning_closed", "prevented", "succeeded", "failed", "canceled")

    top_up = models.ForeignKey(TopUp, models.PROTECT, related_name="disputes")
    kind = models.CharField(max_length=20, choices=Kind)
    processor_id = ExactCharField(max_length=255, unique=True)
    status = models.CharField(max_length=30)
    reason = models.CharField(max_length=100, blank=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    taken = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    given_back = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    fee = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    opened_at = models.DateTimeField()
    due_by = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    looks = models.PositiveSmallIntegerField(default=0)
    next_look_at = models.DateTimeField(null=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        db_table = "disputes"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="disputes_amount"),
            models.CheckConstraint(
                condition=Q(given_back__gte=0, taken__gte=F("given_back")),
                name="disputes_given_back",
            ),
        ]
        indexes = [models.Index(fields=["next_look_at"], name="disputes_to_look_at")]

    def __str__(self) -> str:
        return self.processor_id

    @property
    def is_closed(self) -> bool:
        return self.status in self.CLOSED

    @property
    def is_inquiry(self) -> bool:
        """Whether the bank only asks: nothing is taken for that."""
        return self.status in self.INQUIRIES

    @property
    def withheld(self) -> Decimal:
        """What of the payment is not ours: taken and not given back, or about to be taken."""
        about_to_be = self.status in self.OPEN and not self.taken
        return self.amount if about_to_be else self.taken - self.given_back

    @property
    def may_change(self) -> bool:
        """Whether there is reason to ask about it again by ourselves."""
        if self.problem or not self.is_closed:
            return True
        if self.kind == self.Kind.DESK_REFUND:
            young = self.opened_at > timezone.now() - LONGEST_RETURN
            return young and self.status == "succeeded"
        return (self.status == "won" and self.taken > self.given_back == 0) or (
            self.status == "lost" and not self.taken
        )


def recount(top_up: TopUp) -> None:
    """Set what of a locked top-up is disputed, at most its rest; the caller saves it."""
    rest = top_up.amount - top_up.refunded_amount if top_up.is_paid else ZERO
    disputes = Dispute.objects.filter(top_up=top_up)
    top_up.disputed_amount = min(rest, total(dispute.withheld for dispute in disputes))
