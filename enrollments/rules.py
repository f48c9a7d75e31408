"""Why a sale, a cancellation or a return is refused: said once, for the deed and its preview.

Pure functions: the caller has read, or locked, what a rule looks at.
"""

from datetime import datetime

from django.db import models

from accounts.models import User
from common.errors import DomainError, NotFound
from courses.models import Course, CourseSession, S
from enrollments.errors import (
    AlreadyCancelled,
    AlreadyEnrolled,
    AlreadyPurchased,
    IncludedInEnrollment,
    NotForSale,
    OwnCourse,
    SessionNotMoved,
    SessionStarted,
    SoldOut,
    Unsold,
)
from enrollments.models import CourseEnrollment, EnrollmentStatus, PurchaseStatus, SessionPurchase
from enrollments.quotes import CourseQuote, session_seats_left
from enrollments.rows import SessionOnSale
from payments.errors import HoldSettled
from payments.models import HoldPart

# What `fate_of` means, as it is promised before the sale.
CANCEL_IN_TIME = "Cancel before a session starts and you get that session's money back."
CANCEL_ONE_IN_TIME = "Cancel before it starts and you get it back."


class Fate(models.TextChoices):
    """What cancelling does to a part: a refund, or why there is none."""

    BACK = "not_started", "Hasn't started yet"
    STARTED = "session_started", "Has started: attendance will decide"
    RELEASED = "released", "Took place; paid to the teacher"
    REFUNDED = "refunded", "Already refunded"


def refuse_course(quote: CourseQuote[S], buyer: User | None) -> DomainError | None:
    """Why the full course can't be sold to this buyer, or to a guest; None if it can."""
    course = quote.course
    if buyer and course.teacher_id == buyer.pk:
        return OwnCourse()
    if quote.enrolled:
        return AlreadyEnrolled()
    if why := _why_unsold(course):
        return NotForSale(why)
    if not quote.shares:
        return NotForSale(Unsold.OVER)
    if course.price_full_course is None:
        return NotForSale(Unsold.NOT_WHOLE)
    return SoldOut() if quote.is_full else None


def refuse_session(on_sale: SessionOnSale, buyer: User | None, now: datetime) -> DomainError | None:
    """Why one session can't be sold to this buyer, or to a guest; None if it can."""
    session, course = on_sale.session, on_sale.session.course
    if buyer and course.teacher_id == buyer.pk:
        return OwnCourse()
    if on_sale.mine:
        return AlreadyPurchased()
    if on_sale.included:
        return IncludedInEnrollment()
    if why := _why_unsold(course):
        return NotForSale(why)
    if course.price_per_session is None:
        return NotForSale(Unsold.NOT_SINGLY)
    if session.status == CourseSession.Status.CANCELLED:
        return NotForSale(Unsold.CALLED_OFF)
    if not session.is_open(now):
        return SessionStarted()
    seats = session_seats_left(on_sale)
    return SoldOut() if seats is not None and seats < 1 else None


def _why_unsold(course: Course) -> Unsold | None:
    """Why nothing of a course is for sale; None if something is."""
    if course.is_on_sale:
        return None
    if course.status == Course.Status.PUBLISHED:
        return Unsold.TEACHER_GONE
    return Unsold.DRAFT if course.status == Course.Status.DRAFT else Unsold.ARCHIVED


def refuse_cancelling(enrollment: CourseEnrollment) -> DomainError | None:
    """Why this enrolment can't be cancelled; None if it can."""
    if enrollment.status == EnrollmentStatus.CANCELLED:
        return AlreadyCancelled()
    return HoldSettled() if enrollment.status == EnrollmentStatus.COMPLETED else None


def refuse_cancelling_single(
    purchase: SessionPurchase, part: HoldPart | None, now: datetime
) -> DomainError | None:
    """Why this purchase can't be cancelled; None if it can. `part` is its part while pending."""
    if purchase.status == PurchaseStatus.CANCELLED:
        return AlreadyCancelled()
    if purchase.status != PurchaseStatus.ACTIVE or part is None:
        return HoldSettled()
    return None if comes_back(part, now) else SessionStarted()


def refuse_hand_back(
    enrollment: CourseEnrollment, part: HoldPart | None, now: datetime, *, sold: bool
) -> DomainError | None:
    """Why a session of this enrolment can't be returned; None if it can.

    `part` pays for it, while it is pending; `sold` says whether any part ever did.
    """
    if enrollment.status == EnrollmentStatus.CANCELLED:
        return AlreadyCancelled()
    if part is None:
        return HoldSettled() if sold else NotFound()
    if part.session.has_started(now):
        return SessionStarted()
    return SessionNotMoved() if part.is_as_sold(part.session) else None


def comes_back(part: HoldPart, now: datetime) -> bool:
    """Whether cancelling refunds this part."""
    return fate_of(part, now) == Fate.BACK


def fate_of(part: HoldPart, now: datetime) -> Fate:
    """What cancelling the whole booking would do to this part."""
    if part.status != HoldPart.Status.PENDING:
        return Fate(part.status)
    called_off = part.session.status == CourseSession.Status.CANCELLED
    too_late = part.session.cancel_until <= now
    return Fate.STARTED if too_late and not called_off else Fate.BACK
