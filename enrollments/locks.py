"""Courses and bookings, locked: the first rows of the one order in docs/money.md."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet, Subquery

from common.prepared import prepared, prepared_update
from courses.models import Course, CourseSession
from enrollments.models import Booking, CourseEnrollment, EnrollmentStatus, SessionPurchase


def lock_course(course_id: UUID) -> None:
    """Lock a course, so that its seats and the times of its sessions stay as they are."""
    _course(course_id)


def lock_course_of(session_id: UUID) -> None:
    """Lock the course of a session, by a key that is read without a lock."""
    _course_of(session_id)


def give_seat_back(enrollment: CourseEnrollment) -> None:
    """Lock the course of an enrolment by the update that makes its seat free.

    Nothing happens where it is cancelled, as it was read or locked: it has no seat.
    """
    if enrollment.status != EnrollmentStatus.CANCELLED:
        _one_student_fewer(enrollment.course_id)


def lock_bookings(*bookings: Booking) -> None:
    """Lock bookings of one kind, ascending by id, and bring them up to date."""
    lock = _enrollments if isinstance(bookings[0], CourseEnrollment) else _purchases
    _renew(bookings, lock([booking.pk for booking in bookings]))


def claim_booking(booking: Booking) -> bool:
    """Lock a booking and bring it up to date, unless somebody else has it: then gives False."""
    claim = _free_enrollments if isinstance(booking, CourseEnrollment) else _free_purchases
    rows = claim([booking.pk])
    if rows:
        _renew([booking], rows)
    return bool(rows)


def _renew(bookings: Sequence[Booking], rows: Sequence[tuple[Any, ...]]) -> None:
    found = {key: values for key, *values in rows}
    for booking in bookings:
        for name, value in zip(booking.MUTABLE, found[booking.pk], strict=True):
            setattr(booking, name, value)


@prepared
def _course(key: UUID) -> QuerySet:
    return Course.objects.filter(pk=key).locked().values_list("pk")


@prepared
def _course_of(session: UUID) -> QuerySet:
    key = Subquery(CourseSession.objects.filter(pk=session).values("course_id"))
    return Course.objects.filter(pk=key).locked().values_list("pk")


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
