"""What refuses to sell, to cancel, to give back: said once, for the deed and for what shows it.

Pure: whoever asks has read, or locked, what the rule looks at.
"""

from datetime import datetime

from django.db import models

from common.errors import DomainError, NotFound
from courses.models import CourseSession
from enrollments.errors import AlreadyCancelled, SessionNotMoved, SessionStarted
from enrollments.models import CourseEnrollment, EnrollmentStatus, PurchaseStatus, SessionPurchase
from enrollments.quotes import TimedPart
from payments.errors import HoldSettled
from payments.models import HoldPart


class Fate(models.TextChoices):
    """What cancelling does to a part: its money comes back, or why not."""

    BACK = "not_started", "Has not started yet"
    STARTED = "session_started", "Has started: attendance will decide"
    RELEASED = "released", "Took place, and is paid to the teacher"
    REFUNDED = "refunded", "Came back already"


def refuse_cancelling(enrollment: CourseEnrollment) -> DomainError | None:
    """Why this enrolment cannot be cancelled, if so."""
    if enrollment.status == EnrollmentStatus.CANCELLED:
        return AlreadyCancelled()
    return HoldSettled() if enrollment.status == EnrollmentStatus.COMPLETED else None


def refuse_cancelling_single(
    purchase: SessionPurchase, part: TimedPart | None, now: datetime
) -> DomainError | None:
    """Why this purchase cannot be cancelled, if so; `part` is its part while it is pending."""
    if purchase.status == PurchaseStatus.CANCELLED:
        return AlreadyCancelled()
    if purchase.status != PurchaseStatus.ACTIVE or part is None:
        return HoldSettled()
    return None if comes_back(part, now) else SessionStarted()


def refuse_hand_back(
    enrollment: CourseEnrollment, part: TimedPart | None, now: datetime, *, sold: bool
) -> DomainError | None:
    """Why a session of this enrolment cannot be handed back, if so.

    `part` pays for it, while it is pending; `sold` says that some part ever did.
    """
    if enrollment.status == EnrollmentStatus.CANCELLED:
        return AlreadyCancelled()
    if part is None:
        return HoldSettled() if sold else NotFound()
    if part.starts_at <= now:
        return SessionStarted()
    as_sold = part.is_as_sold(part.starts_at, part.duration_minutes)
    return SessionNotMoved() if as_sold else None


def comes_back(part: TimedPart, now: datetime) -> bool:
    """Whether cancelling refunds this part, from `lock_pending_parts` or a preview."""
    return fate_of(part, now) == Fate.BACK


def fate_of(part: TimedPart, now: datetime) -> Fate:
    """What cancelling the whole would do to this part."""
    if part.status != HoldPart.Status.PENDING:
        return Fate(part.status)
    called_off = part.session_status == CourseSession.Status.CANCELLED
    return Fate.BACK if called_off or part.starts_at > now else Fate.STARTED
