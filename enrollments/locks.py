"""Locks on bookings: after their course and before their money, as in docs/money.md."""

from collections.abc import Sequence
from uuid import UUID

from accounts.models import User
from common.locks import Rank, take
from enrollments import queries
from enrollments.models import Booking, CourseEnrollment, EnrollmentStatus, PaymentStatus
from payments.models import PaymentHold


def take_seat(course_id: UUID, seen: int) -> bool:
    """Take a seat of a course; this UPDATE locks the course.

    Gives whether there was one, in the version of the course that was `seen`.
    """
    take(Rank.COURSE, course_id)
    return queries.add_student(course_id, seen) == 1


def give_seat_back(enrollment: CourseEnrollment) -> None:
    """Free the seat of an enrolment; this UPDATE locks its course.

    A cancelled enrolment has no seat, so nothing happens.
    """
    if enrollment.status != EnrollmentStatus.CANCELLED:
        take(Rank.COURSE, enrollment.course_id)
        queries.remove_student(enrollment.course_id)


def free_seat_of(enrollment_id: UUID, student: User) -> CourseEnrollment | None:
    """Free the seat of an enrolment, then lock it; None if it is not the student's.

    The UPDATE of the seat finds the course and locks it, so that nothing is read before its locks.
    The caller undoes it if the enrolment had no seat any more.
    """
    queries.remove_student_of(enrollment_id, student.pk)
    found = queries.lock_own_enrollment(enrollment_id, student.pk)
    for enrollment in found:
        take(Rank.COURSE, enrollment.course_id)
        take(Rank.BOOKING, enrollment.pk)
        take(Rank.HOLD, enrollment.hold.pk)
    return found[0] if found else None


def lock_bookings(*bookings: Booking) -> None:
    """Lock bookings of one kind, and refresh what may have changed since they were read."""
    keys = [booking.pk for booking in bookings]
    take(Rank.BOOKING, *keys)
    if isinstance(bookings[0], CourseEnrollment):
        _renew(bookings, queries.lock_enrollments(keys))
    else:
        _renew(bookings, queries.lock_purchases(keys))


def claim_booking(booking: Booking) -> bool:
    """The same for one booking, unless something else has locked it; gives whether we have it."""
    take(Rank.BOOKING, booking.pk)
    if isinstance(booking, CourseEnrollment):
        rows = queries.claim_enrollments([booking.pk])
    else:
        rows = queries.claim_purchases([booking.pk])
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


def _renew(bookings: Sequence[Booking], rows: Sequence[queries.Mutable]) -> None:
    found = {key: values for key, *values in rows}
    for booking in bookings:
        for name, value in zip(booking.MUTABLE, found[booking.pk], strict=True):
            setattr(booking, name, value)
