"""What is held in escrow, and its parts."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from common.models import LockingQuerySet, UUIDModel
from common.money import ZERO
from courses.models import CourseSession
from payments.conditions import within
from payments.reasons import Reason


class HoldStatus(models.TextChoices):
    HELD = "held"
    RELEASED = "released"
    REFUNDED = "refunded"


class HoldQuerySet(LockingQuerySet):
    def of(self, user: User) -> Self:
        return self.filter(student=user)

    def newest_first(self) -> Self:
        return self.order_by("-held_at", "-id")

    def with_parts(self) -> Self:
        """With their parts and sessions, in one additional statement."""
        parts = HoldPart.objects.select_related("session").order_by("session__session_number")
        return self.prefetch_related(models.Prefetch("parts", parts))


@dataclass(frozen=True, slots=True)
class HoldEvent:
    """What happened to money that was held: `held`, `released` or `refunded`, and why."""

    at: datetime
    event: str
    amount: Decimal
    session_id: UUID | None = None
    reason: str = ""


class PaymentHold(UUIDModel):
    """What a student paid for one enrolment or one session, until every part of it is settled.

    `wallet_id` is the key of the student's wallet; set where pending parts are locked.
    """

    wallet_id: UUID
    enrollment = models.OneToOneField(
        "enrollments.CourseEnrollment", models.PROTECT, null=True, related_name="hold"
    )
    session_purchase = models.OneToOneField(
        "enrollments.SessionPurchase", models.PROTECT, null=True, related_name="hold"
    )
    teacher = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="earned_holds"
    )
    student = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="holds")
    referrer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="referred_holds"
    )
    # The course's title on that day: a receipt says what was sold.
    sold_title = models.CharField(max_length=200, blank=True, editable=False)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    released_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    refunded_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    commission_bp = models.PositiveSmallIntegerField()
    referral_bp = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=20, choices=HoldStatus, default=HoldStatus.HELD)
    held_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True)
    release_percentage = models.DecimalField(max_digits=5, decimal_places=2, default=ZERO)
    notes = models.TextField(blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        db_table = "payment_holds"
        permissions = [
            ("decide_paymenthold", "Can release and refund payment holds"),
            ("export_paymenthold", "Can export payment holds"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(enrollment__isnull=False, session_purchase__isnull=True)
                | Q(enrollment__isnull=True, session_purchase__isnull=False),
                name="payment_holds_one_purpose",
            ),
            models.CheckConstraint(
                condition=within("amount", "released_amount", "refunded_amount"),
                name="payment_holds_amounts",
            ),
            models.CheckConstraint(
                condition=Q(commission_bp__range=(0, 10_000), referral_bp__range=(0, 10_000)),
                name="payment_holds_rates",
            ),
            models.CheckConstraint(
                condition=Q(status__in=HoldStatus.values), name="payment_holds_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["student", "-held_at", "-id"], name="payment_holds_mine"),
            models.Index(fields=["status", "held_at"], name="payment_holds_by_status"),
            models.Index(fields=["held_at"], name="payment_holds_newest"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def timeline(self) -> list[HoldEvent]:
        """What happened to this money, oldest first."""
        held = HoldEvent(self.held_at, "held", self.amount)
        settled = (
            HoldEvent(part.settled_at, part.status, part.amount, part.session_id, part.reason)
            for part in self.parts.all()
            if part.settled_at
        )
        return sorted([held, *settled], key=lambda event: event.at)


class HoldPart(UUIDModel):
    """The share of a hold that pays for one session as sold. What is settled is always a part."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RELEASED = "released"
        REFUNDED = "refunded"

    Reason = Reason

    hold = models.ForeignKey(PaymentHold, models.PROTECT, related_name="parts")
    session = models.ForeignKey("courses.CourseSession", models.PROTECT, related_name="hold_parts")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    sold_title = models.CharField(max_length=220, blank=True, editable=False)
    sold_starts_at = models.DateTimeField()
    sold_duration_minutes = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    settled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    review_reason = models.CharField(max_length=200, blank=True)
    teacher_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    referrer_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    platform_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    refunded_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "hold_parts"
        constraints = [
            models.UniqueConstraint(fields=["hold", "session"], name="hold_parts_one_per_session"),
            models.CheckConstraint(
                condition=within(
                    "amount",
                    "teacher_amount",
                    "referrer_amount",
                    "platform_amount",
                    "refunded_amount",
                ),
                name="hold_parts_amounts",
            ),
            models.CheckConstraint(
                condition=Q(status="pending", settled_at__isnull=True)
                | Q(status__in=["released", "refunded"], settled_at__isnull=False),
                name="hold_parts_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["session", "status"], name="hold_parts_due"),
            models.Index(fields=["reason"], name="hold_parts_by_reason"),
            # Nearly all say nothing here.
            models.Index(fields=["review_reason"], name="hold_parts_under_review"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def is_as_sold(self, session: CourseSession) -> bool:
        """Whether its session still has the start and length that it was sold with."""
        now = (session.starts_at, session.duration_minutes)
        return (self.sold_starts_at, self.sold_duration_minutes) == now
