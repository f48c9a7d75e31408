"""Who has bought what; calendar feeds; and what people were reminded of."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from accounts.models import User
from common.models import LockingQuerySet, TimestampedModel
from common.money import ZERO
from payments.models import HoldPart, PaymentHold


class EnrollmentType(models.TextChoices):
    FULL_COURSE = "full_course"
    PER_SESSION = "per_session"


class PaymentStatus(models.TextChoices):
    PENDING = "pending"
    PAID = "paid"
    REFUNDED = "refunded"


class EnrollmentStatus(models.TextChoices):
    ACTIVE = "active"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class PurchaseStatus(models.TextChoices):
    ACTIVE = "active"
    CANCELLED = "cancelled"
    ATTENDED = "attended"
    MISSED = "missed"


def live_field() -> models.GeneratedField:
    """1 while it lasts, NULL once cancelled: in a UNIQUE, only live rows exclude each other."""
    return models.GeneratedField(
        expression=Case(When(status="cancelled", then=Value(None)), default=Value(1)),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
    )


class BookingQuerySet(LockingQuerySet):
    """What enrolments and single purchases have in common."""

    def of(self, user: User | UUID) -> Self:
        return self.filter(user=user)

    def live(self) -> Self:
        return self.filter(live=1)


class EnrollmentQuerySet(BookingQuerySet):
    def refunded(self) -> Self:
        """Those that have been refunded completely."""
        return self.filter(payment_status=PaymentStatus.REFUNDED)

    def newest_first(self) -> Self:
        return self.order_by("-enrolled_at", "-id")

    def with_course(self) -> Self:
        """With course, teacher and hold, in one statement."""
        return self.select_related("course__teacher", "hold")


class PurchaseQuerySet(BookingQuerySet):
    def newest_first(self) -> Self:
        return self.order_by("-purchased_at", "-id")

    def with_course(self) -> Self:
        """With session, course, teacher and hold, in one statement."""
        return self.select_related("session", "course__teacher", "hold")


class Booking(TimestampedModel):
    """What enrolments and single purchases share: who bought it, and what was refunded.

    `folded_amount` is what the buyer's own singles were refunded first, in credits; set only right
    after buying.
    """

    # What changes after the sale.
    MUTABLE: ClassVar[tuple[str, ...]] = (
        "status",
        "payment_status",
        "cancelled_at",
        "refund_amount",
        "updated_at",
    )

    hold: PaymentHold
    folded_amount: Decimal = ZERO
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="%(class)ss")
    course = models.ForeignKey("courses.Course", models.PROTECT, related_name="%(class)ss")
    payment_status = models.CharField(
        max_length=20, choices=PaymentStatus, default=PaymentStatus.PAID
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)
    refund_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def price(self) -> Decimal:
        """What was paid for it."""
        raise NotImplementedError

    @property
    def is_refunded(self) -> bool:
        """Whether everything paid came back."""
        return self.payment_status == PaymentStatus.REFUNDED

    def note_refund(self, amount: Decimal) -> None:
        """Note that this much more of the price was refunded; not saved."""
        self.refund_amount += amount
        if self.refund_amount == self.price:
            self.payment_status = PaymentStatus.REFUNDED


class CourseEnrollment(Booking):
    MUTABLE = (*Booking.MUTABLE, "completion_percentage")

    enrollment_type = models.CharField(
        max_length=20, choices=EnrollmentType, default=EnrollmentType.FULL_COURSE
    )
    total_price_paid = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(
        max_length=20, choices=EnrollmentStatus, default=EnrollmentStatus.ACTIVE
    )
    enrolled_at = models.DateTimeField(default=timezone.now)
    completion_percentage = models.DecimalField(max_digits=5, decimal_places=2, default=ZERO)
    live = live_field()

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        db_table = "course_enrollments"
        verbose_name = "course enrolment"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "course", "live"], name="course_enrollments_one_live"
            ),
            models.CheckConstraint(
                condition=Q(refund_amount__gte=0, refund_amount__lte=F("total_price_paid")),
                name="course_enrollments_refund_range",
            ),
            models.CheckConstraint(
                condition=Q(status__in=EnrollmentStatus.values),
                name="course_enrollments_status_known",
            ),
            models.CheckConstraint(
                condition=Q(completion_percentage__range=(0, 100)),
                name="course_enrollments_completion_range",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-enrolled_at", "-id"], name="course_enrollments_mine"),
            models.Index(fields=["course", "live"], name="course_enrollments_seats"),
            # Those that are about to end: few, if any.
            models.Index(fields=["payment_status", "live"], name="course_enrollments_refunded"),
            models.Index(fields=["status"], name="course_enrollments_by_status"),
            models.Index(fields=["payment_status"], name="course_enrollments_by_payment"),
            models.Index(fields=["enrolled_at"], name="course_enrollments_newest"),
        ]

    @property
    def price(self) -> Decimal:
        return self.total_price_paid

    def end(self, now: datetime) -> None:
        """Cancel it, so that it no longer has a seat; not saved."""
        self.status, self.cancelled_at = EnrollmentStatus.CANCELLED, now


class SessionPurchase(Booking):
    MUTABLE = (*Booking.MUTABLE, "attended", "attendance_duration_minutes")

    session = models.ForeignKey("courses.CourseSession", models.PROTECT, related_name="purchases")
    price_paid = models.DecimalField(max_digits=10, decimal_places=2)
    status = models.CharField(max_length=20, choices=PurchaseStatus, default=PurchaseStatus.ACTIVE)
    purchased_at = models.DateTimeField(default=timezone.now)
    attended = models.BooleanField(default=False)
    attendance_duration_minutes = models.PositiveIntegerField(default=0)
    live = live_field()

    objects = PurchaseQuerySet.as_manager()

    class Meta:
        db_table = "session_purchases"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "session", "live"], name="session_purchases_one_live"
            ),
            models.CheckConstraint(
                condition=Q(refund_amount__gte=0, refund_amount__lte=F("price_paid")),
                name="session_purchases_refund_range",
            ),
            models.CheckConstraint(
                condition=Q(status__in=PurchaseStatus.values),
                name="session_purchases_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-purchased_at", "-id"], name="session_purchases_mine"),
            # With the buyer at its end, so that seats can be counted in the index alone.
            models.Index(fields=["session", "live", "user"], name="session_purchases_seated"),
            # Not the course first: InnoDB would use it for the foreign key, and lock the course
            # whenever the status changes, after the purchase.
            models.Index(
                fields=["status", "course", "session", "user"], name="session_purchases_active"
            ),
            models.Index(fields=["status"], name="session_purchases_by_status"),
            models.Index(fields=["payment_status"], name="session_purchases_by_payment"),
            models.Index(fields=["purchased_at"], name="session_purchases_newest"),
        ]

    @property
    def price(self) -> Decimal:
        return self.price_paid

    def end(self, part: HoldPart, now: datetime) -> None:
        """Its only part is settled: it was attended, missed or cancelled; not saved."""
        if part.reason == HoldPart.Reason.MISSED:
            self.status = PurchaseStatus.MISSED
        elif part.status == HoldPart.Status.RELEASED:
            self.status, self.attended = PurchaseStatus.ATTENDED, True
        else:
            self.status, self.cancelled_at = PurchaseStatus.CANCELLED, now


class Reminder(models.Model):
    """People were reminded of a session this many hours before the start that it had then."""

    session = models.ForeignKey("courses.CourseSession", models.CASCADE, related_name="reminders")
    hours = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()

    class Meta:
        db_table = "session_reminders"
        constraints = [
            models.UniqueConstraint(
                fields=["session", "hours", "starts_at"], name="session_reminders_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hours} h before {self.session_id}"
