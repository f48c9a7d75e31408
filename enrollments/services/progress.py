"""How far a booking has come: what of it came back, what of it was attended."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from common.money import CENT
from common.prepared import prepared
from enrollments.models import (
    CourseEnrollment,
    EnrollmentStatus,
    PaymentStatus,
    SessionPurchase,
)
from payments.models import HoldPart

Reason = HoldPart.Reason
_ATTENDED = Q(reason=Reason.ATTENDED) | Q(
    reason=Reason.STAFF_DECISION, status=HoldPart.Status.RELEASED
)


def note_refund(booking: CourseEnrollment | SessionPurchase, refund: Decimal) -> None:
    """Add what came back to a locked booking; the caller saves it."""
    booking.refund_amount += refund
    if booking.refund_amount == booking.price:
        booking.payment_status = PaymentStatus.REFUNDED


def note_progress(enrollment: CourseEnrollment, pending: Sequence[HoldPart]) -> None:
    """Note how much of a locked enrolment was attended, and what `note_completed` does.

    The caller saves it. One statement.
    """
    [(attended, owed)] = _counts(enrollment.pk)
    if owed:
        share = Decimal(100) * attended / owed
        enrollment.completion_percentage = share.quantize(CENT)
    note_completed(enrollment, pending)


def note_completed(enrollment: CourseEnrollment, pending: Sequence[HoldPart]) -> None:
    """Note that a locked enrolment is `completed`, once nothing of it waits.

    Not where everything paid came back, which `note_refund` has noted: that ends it. `pending` are
    the parts that `lock_pending_parts` found, as they are now. The caller saves it.
    """
    waits = any(part.status == HoldPart.Status.PENDING for part in pending)
    done = not (waits or enrollment.is_refunded)
    if done and enrollment.status == EnrollmentStatus.ACTIVE:
        enrollment.status = EnrollmentStatus.COMPLETED


@prepared
def _counts(enrollment: UUID) -> QuerySet:
    """How many of its parts were attended, and how many are owed."""
    parts = HoldPart.objects.filter(hold__enrollment__pk=enrollment).values("hold")
    return parts.annotate(
        attended=Count("pk", filter=_ATTENDED),
        owed=Count("pk", filter=~Q(reason=Reason.SESSION_CANCELLED)),
    ).values_list("attended", "owed")
