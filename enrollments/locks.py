"""Locks on bookings: after their course, before their money, as docs/money.md has it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from common.locks import Rank, take
from common.prepared import prepared, prepared_update
from courses.models import Course
from enrollments.models import (
    Booking,
    CourseEnrollment,
    EnrollmentStatus,
    PaymentStatus,
    SessionPurchase,
)
from payments.models import PaymentHold


def give_seat_back(enrollment: CourseEnrollment) -> None:
    """Free the seat of an enrolment; this UPDATE locks its course.

    A cancelled enrolment has no seat, so nothing happens.
    """
    if enrollment.status != EnrollmentStatus.CANCELLED:
        take(Rank.COURSE, enrollment.course_id)
        _one_student_fewer(enrollment.course_id)


def lock_bookings(*bookings: Booking) -> None:
    """Lock bookings of one kind, and refresh what may have changed since they were read."""
    lock = _enrollments if isinstance(bookings[0], CourseEnrollment) else _purchases
    keys = [booking.pk for booking in bookings]
    take(Rank.BOOKING, *keys)
    _renew(bookings, lock(keys))


def claim_booking(booking: Booking) -> bool:
    """The same for one booking, unless somebody else has it locked; gives whether it is ours."""
    claim = _free_enrollments if isinstance(booking, CourseEnrollment) else _free_purchases
    take(Rank.BOOKING, booking.pk)
    rows = claim([booking.pk])
    if rows:
        _renew([booking], rows)
    return bool(rows)


def lock_holds_of_enrolled(course_id: UUID) -> list[PaymentHold]:
    """Lock a course's live enrolments that are not refunded, and their holds; gives the holds."""
    live = CourseEnrollment.objects.live().filter(course=course_id)
    paid = live.exclude(payment_status=PaymentStatus.REFUNDED).order_by("pk")
    keys = list(paid.locked().values_list("pk", flat=True))
    take(Rank.BOOKING, *keys)
    holds = list(PaymentHold.objects.filter(enrollment__in=keys).order_by("pk").locked())
    take(Rank.HOLD, *(hold.pk for hold in holds))
    return holds


def _renew(bookings: Sequence[Booking], rows: Sequence[tuple[Any, ...]]) -> None:
    found = {key: values for key, *values in rows}
    for booking in bookings:
        for name, value in zip(booking.MUTABLE, found[booking.pk], strict=True):
            setattr(booking, name, value)


@prepared_update
def _one_student_fewer(course: UUID) -> tuple[QuerySet, dict[str, Any]]:
    taken = Course.objects.filter(pk=course, current_students__gt=0)
    return taken, {"current_students": F("current_students") - 1}


@prepared
def _enrollments(keys: list[UUID]) -> QuerySet:
    return _by_key(CourseEnrollment, keys).locked()


@prepared
def _purchases(keys: list[UUID]) -> QuerySet:
    return _by_key(SessionPurchase, keys).locked()


@prepared
def _free_enrollments(keys: list[UUID]) -> QuerySet:
    return _by_key(CourseEnrollment, keys).claimed()


@prepared
def _free_purchases(keys: list[UUID]) -> QuerySet:
    return _by_key(SessionPurchase, keys).claimed()


def _by_key(kind: type[Booking], keys: list[UUID]) -> Any:
    rows: Any = kind._default_manager.filter(pk__in=keys)
    return rows.order_by("pk").values_list("pk", *kind.MUTABLE)
