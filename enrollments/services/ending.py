"""End an enrolment that holds no paid part any more: everything that was paid for it came back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet, Subquery
from django.utils import timezone

from accounts.models import User
from common.prepared import prepared, prepared_update
from common.transactions import operation
from common.writing import save
from courses.models import Course
from enrollments.models import CourseEnrollment, EnrollmentStatus
from enrollments.quotes import TimedPart
from enrollments.services.admission import check_after_refund
from payments.models import HoldPart
from payments.services.holds import lock_pending_parts, refund_parts


def refunded_enrollments(course_id: UUID | None = None) -> list[UUID]:
    """The live enrolments, in a course or in all, to which everything paid came back."""
    refunded = CourseEnrollment.objects.live().refunded()
    if course_id:
        refunded = refunded.filter(course=course_id)
    return list(refunded.values_list("pk", flat=True))


@operation
def end_enrollment(enrollment_id: UUID) -> bool:
    """End an enrolment to which everything paid came back; gives whether this call did.

    For what held no course when it gave the last paid part back. A repeat changes nothing. Locks
    the course, the enrolment, its hold with parts.
    """
    list(_lock_course(enrollment_id))
    enrollment = CourseEnrollment.objects.locked().get(pk=enrollment_id)
    pending = lock_pending_parts(enrollment.hold)
    ended = end_if_refunded(enrollment, pending, now=timezone.now(), actor=None)
    if ended:
        save([enrollment], ["status", "cancelled_at", "updated_at"])
    return ended


def end_if_refunded(
    enrollment: CourseEnrollment,
    pending: Sequence[TimedPart],
    *,
    now: datetime,
    actor: User | None,
) -> bool:
    """End a live enrolment, if everything paid for it came back; gives whether it did.

    The seat is given back; what of it was free, parts of 0.00, admits no longer. The caller has
    locked the course and then the enrolment, and saves it; `pending` are all parts that
    `lock_pending_parts` found, as they are now. Ending again changes nothing.
    """
    if enrollment.status == EnrollmentStatus.CANCELLED or not enrollment.is_refunded:
        return False
    free = [part for part in pending if part.status == HoldPart.Status.PENDING]
    reason = HoldPart.Reason.ENROLLMENT_ENDED
    refund_parts(free, pending=pending, reason=reason, now=now, actor=actor)
    check_after_refund(free)
    give_seat_back(enrollment.course_id)
    enrollment.status, enrollment.cancelled_at = EnrollmentStatus.CANCELLED, now
    return True


@prepared_update
def give_seat_back(course: UUID) -> tuple[QuerySet, dict[str, Any]]:
    """One student fewer in a course; locks it."""
    taken = Course.objects.filter(pk=course, current_students__gt=0)
    return taken, {"current_students": F("current_students") - 1}


@prepared
def _lock_course(enrollment: UUID) -> QuerySet:
    key = Subquery(CourseEnrollment.objects.filter(pk=enrollment).values("course_id"))
    return Course.objects.filter(pk=key).locked().values_list("pk")
