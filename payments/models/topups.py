"""Money that comes in from outside, and what its processor tells of it."""

import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self
from urllib.parse import urljoin

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from common.fields import ExactCharField
from common.models import LockingQuerySet, TimestampedModel, UUIDModel
from common.money import ZERO
from payments.conditions import PAID, within

# Without those that are taken for another one when they are read out or copied.
CLEAR = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CURRENCY = "usd"
# How long a processor may take to say what became of a payment.
SILENCE = timedelta(days=2)


def new_reference() -> str:
    """What people call a top-up by, in a mail or on a receipt."""
    return "TU-" + "".join(secrets.choice(CLEAR) for _ in range(8))


class TopUpQuerySet(LockingQuerySet):
    def of(self, user: User) -> Self:
        return self.filter(user=user)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def with_a_rest(self) -> Self:
        """Those that were paid, and of which neither we nor a bank gave all of it back."""
        return self.filter(
            status=TopUp.Status.PAID, amount__gt=F("refunded_amount") + F("disputed_amount")
        )

    def to_look_at(self, now: datetime) -> Self:
        """Those of which the processor is to be asked again by now, longest due first."""
        return self.filter(next_look_at__lte=now).order_by("next_look_at")

    def in_question(self, now: datetime) -> Self:
        """Those that staff have to look into: the processor says something else, or nothing.

        It should have said by now what became of a payment, and what it kept of one.
        """
        silent = Q(status=TopUp.Status.CREATED, pending_since=None, expires_at__lt=now - SILENCE)
        unbooked = Q(fee_booked_at=None, paid_at__lt=now - SILENCE)
        return self.filter(~Q(problem="") | silent | unbooked)


class TopUp(TimestampedModel):
    """Credit that a user buys with money from outside.

    Its row is committed before its processor is asked for the first time, with all that is sent
    then (`parameters`): asking again with the same is no second payment. It is `live` if the money
    is real. `pending_since` the processor waits for the money (of a slow method). Of a `problem`
    staff have to see: what the processor says of it is not what we asked for.
    """

    class Method(models.TextChoices):
        STRIPE = "stripe", "Card"
        REHEARSAL = "rehearsal", "Rehearsal"

    class Status(models.TextChoices):
        CREATED = "created"
        PAID = "paid"
        EXPIRED = "expired"
        FAILED = "failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="top_ups")
    method = models.CharField(max_length=20, choices=Method)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3, default=CURRENCY)
    status = models.CharField(max_length=20, choices=Status, default=Status.CREATED)
    refunded_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    disputed_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    reference = ExactCharField(max_length=20, unique=True, default=new_reference)
    # Where paying leads back to: a path of ours, or the page of another origin that we allow.
    return_path = models.CharField(max_length=500, blank=True)
    return_url = models.CharField(max_length=500, blank=True)
    parameters = models.JSONField(default=dict)
    # Shorter than a transfer's key, which names it.
    checkout_session = ExactCharField(max_length=90, unique=True, null=True)
    checkout_url = models.TextField(blank=True)
    payment_intent = ExactCharField(max_length=255, blank=True)
    charge = ExactCharField(max_length=255, blank=True)
    live = models.BooleanField(default=False)
    expires_at = models.DateTimeField()
    pending_since = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    fee = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    fee_booked_at = models.DateTimeField(null=True)
    receipt = models.JSONField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    # How often the job has asked of it, and when it does again: never again once all is known.
    looks = models.PositiveSmallIntegerField(default=0)
    next_look_at = models.DateTimeField(null=True)

    objects = TopUpQuerySet.as_manager()

    class Meta:
        db_table = "top_ups"
        verbose_name = "top-up"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="top_ups_amount"),
            models.CheckConstraint(
                condition=within("amount", "refunded_amount", "disputed_amount"),
                name="top_ups_amounts",
            ),
            models.CheckConstraint(condition=PAID, name="top_ups_paid"),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="top_ups_mine"),
            models.Index(fields=["next_look_at"], name="top_ups_to_look_at"),
            models.Index(fields=["status"], name="top_ups_by_status"),
            models.Index(fields=["created_at"], name="top_ups_newest"),
            models.Index(fields=["payment_intent"], name="top_ups_by_intent"),
            models.Index(fields=["charge"], name="top_ups_by_charge"),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("payments:top_up", args=[self.pk])

    @property
    def is_paid(self) -> bool:
        return self.status == self.Status.PAID

    @property
    def paid_with(self) -> str:
        """A card's last digits, say; otherwise the method."""
        return str((self.receipt or {}).get("paid_with") or self.get_method_display())

    @property
    def rest(self) -> Decimal:
        """What of it is neither refunded, nor on its way back, nor with a bank."""
        return self.amount - self.refunded_amount - self.disputed_amount

    @property
    def is_in_dispute(self) -> bool:
        """Whether a bank has any of it: then nothing of it is refunded."""
        return self.disputed_amount > ZERO

    @property
    def is_open(self) -> bool:
        """Whether it may still be paid, as far as we know."""
        return self.status == self.Status.CREATED

    @property
    def page(self) -> str:
        """The address of the page where it can be paid; empty if it can't be, or not yet."""
        there = self.is_open and self.checkout_url and not self.pending_since
        return urljoin(f"{settings.SITE_URL}/", self.checkout_url) if there else ""


class ProcessorEvent(UUIDModel):
    """What a processor told us: that something happened to one of its objects, once by its id.

    No money moves because of what it says: the processor is asked. So nothing else of it is kept.
    """

    event_id = ExactCharField(max_length=255, unique=True)
    type = models.CharField(max_length=100)
    live = models.BooleanField()
    object_id = ExactCharField(max_length=255, blank=True)
    top_up = models.ForeignKey(TopUp, models.PROTECT, null=True, related_name="events")
    created = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "processor_events"
        indexes = [
            models.Index(fields=["processed_at"], name="processor_events_waiting"),
            models.Index(fields=["received_at"], name="processor_events_newest"),
            models.Index(fields=["object_id"], name="processor_events_by_object"),
        ]

    def __str__(self) -> str:
        return self.event_id


class RehearsalCheckout(models.Model):
    """What was played on the page of the rehearsal processor, of one top-up."""

    class State(models.TextChoices):
        OPEN = "open"
        PAID = "paid"
        PENDING = "pending"
        FAILED = "failed"
        CLOSED = "closed"

    id = ExactCharField(max_length=90, primary_key=True)
    top_up = models.OneToOneField(TopUp, models.PROTECT, related_name="rehearsal")
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    # When what was to be paid later is paid.
    pays_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "rehearsal_checkouts"

    def __str__(self) -> str:
        return self.id
