"""What happens to a booking after the sale: its money moves, it is completed, it ends.

Every change begins the same way: find the booking with its hold, lock the course if a seat may
become free, `lock` the booking. What the change means for the booking is decided and saved here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from common.money import CENT, ZERO, total
from common.transactions import operation
from common.writing import save
from courses.locks import lock_course
from courses.models import Course, CourseSession
from enrollments import queries
from enrollments.errors import RefundLowered
from enrollments.locks import (
    claim_booking,
    give_seat_back,
    lock_bookings,
    lock_holds_of_enrolled,
)
from enrollments.messages.bookings import tell_ended
from enrollments.models import (
    Booking,
    CourseEnrollment,
    EnrollmentStatus,
    SessionPurchase,
)
from enrollments.services.admission import check_after_refund
from payments.models import HoldPart, HoldStatus, PaymentHold
from payments.reasons import Reason
from payments.services.holds import (
    Settled,
    Verdict,
    lock_pending_parts,
    mark_refunded,
    new_part,
    refund_parts,
    settle_parts,
)

Status = HoldPart.Status
# A refund changes neither how much was attended nor how much is owed.
_GIVEN_BACK = {Reason.STUDENT_CANCELLED, Reason.SESSION_MOVED}


@dataclass(frozen=True)
class Locked:
    """A locked booking, the pending parts of its hold, and the time when they were locked."""

    booking: Booking
    pending: Sequence[HoldPart]
    now: datetime

    @property
    def waiting(self) -> list[HoldPart]:
        """The parts that are still pending."""
        return [part for part in self.pending if part.status == Status.PENDING]

    @property
    def has_ended(self) -> bool:
        """Whether it is an enrolment that has ended since; its student has to be told."""
        booking = self.booking
        return isinstance(booking, CourseEnrollment) and booking.cancelled_at == self.now


@dataclass(frozen=True)
class Cancellation:
    """What was cancelled, what this call refunded, and what of that paid a debt, in credits."""

    booking: Booking
    refund_amount: Decimal
    to_debts: Decimal
    refunded_at: datetime


def find_booking(hold_id: UUID) -> Booking:
    """What a hold paid for, with that hold; raises `NotFound`."""
    for hold in queries.hold_with_booking(hold_id):
        booking = hold.enrollment or hold.session_purchase
        assert booking
        return booking
    raise NotFound


def with_parts(booking: Booking) -> Locked:
    """A booking that is locked already, with its hold and its pending parts, now locked too."""
    return Locked(booking, lock_pending_parts(booking.hold), timezone.now())


def lock(booking: Booking) -> Locked:
    """Lock a booking, then its hold with the pending parts, and read again what may have changed.

    If the booking may end, the caller has locked its course before.
    """
    lock_bookings(booking)
    return with_parts(booking)


def claim(booking: Booking) -> Locked | None:
    """The same, or None if something else has locked the booking."""
    return with_parts(booking) if claim_booking(booking) else None


def settle(
    locked: Locked,
    verdicts: Sequence[Verdict],
    *,
    actor: User | None,
    note: str = "",
    may_end: bool = False,
) -> Settled:
    """Release some parts of a booking and refund others; gives the sums, in credits.

    A single purchase ends with its part. An enrolment is completed once none of its parts is
    pending; if everything paid came back, it ends instead, provided that it `may_end`, because its
    course is locked: otherwise `end_enrollment` ends it later. A student who is in a room because
    of a refunded part is removed after the commit. `note` goes with the money. Locks the accounts
    concerned.
    """
    booking = locked.booking
    settled = settle_parts(verdicts, pending=locked.pending, now=locked.now, actor=actor, note=note)
    booking.note_refund(settled.refunded)
    if isinstance(booking, CourseEnrollment):
        if any(verdict.reason not in _GIVEN_BACK for verdict in verdicts):
            _note_progress(booking)
        done = not (locked.waiting or booking.is_refunded)
        if done and booking.status == EnrollmentStatus.ACTIVE:
            booking.status = EnrollmentStatus.COMPLETED
        if may_end:
            _end_if_refunded(booking, locked, actor)
    elif isinstance(booking, SessionPurchase) and verdicts:
        booking.end(verdicts[0].part, locked.now)
    check_after_refund([part for part, status, _ in verdicts if status == Status.REFUNDED])
    save([booking], booking.MUTABLE)
    return settled


def give_back(
    locked: Locked,
    due: Sequence[HoldPart],
    reason: str,
    *,
    actor: User | None,
    note: str = "",
    expected: Decimal | None = None,
    may_end: bool = False,
) -> Cancellation:
    """Refund the `due` parts of a booking; `note` is the student's reason.

    Raises `RefundLowered` if that is less than `expected`, in credits; else as `settle`.
    """
    refund = total(part.amount for part in due)
    if expected is not None and refund < expected:
        raise RefundLowered(expected=expected, refund=refund)
    if note:
        locked.booking.hold.notes = note
        if not due:
            save([locked.booking.hold], ["notes"])
    verdicts = [Verdict(part, Status.REFUNDED, reason) for part in due]
    settled = settle(locked, verdicts, actor=actor, may_end=may_end)
    return Cancellation(locked.booking, refund, settled.to_debts, locked.now)


def fold(purchases: Sequence[SessionPurchase], now: datetime) -> list[HoldPart]:
    """Cancel single purchases that become part of an enrolment; gives their parts.

    `place_hold` moves the money. The caller has locked the course. Locks the purchases and their
    holds with parts.
    """
    if not purchases:
        return []
    lock_bookings(*purchases)
    parts = lock_pending_parts(*(purchase.hold for purchase in purchases))
    mark_refunded(parts, pending=parts, reason=Reason.FOLDED, now=now)
    for part in parts:
        purchase = part.hold.session_purchase
        assert purchase
        purchase.note_refund(part.amount)
        purchase.end(part, now)
    save(purchases, SessionPurchase.MUTABLE)
    return parts


def let_enrolled_in(course: Course, sessions: Sequence[CourseSession]) -> None:
    """Give enrolments with a paid part one of 0.00 of each session: access, and no refund.

    The caller has locked the course. Locks the enrolments and their holds.
    """
    holds = lock_holds_of_enrolled(course.pk)
    free = [new_part(hold, session, ZERO) for hold in holds for session in sessions]
    HoldPart.objects.bulk_create(free, batch_size=1000)
    PaymentHold.objects.filter(pk__in=[hold.pk for hold in holds]).update(status=HoldStatus.HELD)
    CourseEnrollment.objects.filter(
        pk__in=[hold.enrollment_id for hold in holds], status=EnrollmentStatus.COMPLETED
    ).update(status=EnrollmentStatus.ACTIVE)


def refunded_enrollments(course_id: UUID | None = None) -> list[UUID]:
    """The live enrolments, in one course or all, that have been refunded completely."""
    refunded = CourseEnrollment.objects.live().refunded()
    if course_id:
        refunded = refunded.filter(course=course_id)
    return list(refunded.values_list("pk", flat=True))


@operation
def end_enrollment(enrollment_id: UUID) -> bool:
    """End an enrolment that has been refunded completely; gives whether this call did.

    Its student is told. For refunds of the last paid part that did not lock the course. A repeat
    changes nothing. Locks the course, the enrolment, its hold with parts.
    """
    enrollment = CourseEnrollment.objects.select_related("hold").get(pk=enrollment_id)
    lock_course(enrollment.course_id)
    ended = _end_if_refunded(enrollment, lock(enrollment), actor=None)
    if ended:
        save([enrollment], enrollment.MUTABLE)
        tell_ended(enrollment)
    return ended


def _end_if_refunded(enrollment: CourseEnrollment, locked: Locked, actor: User | None) -> bool:
    """Its free parts, of 0.00, no longer give access; not saved."""
    if enrollment.status == EnrollmentStatus.CANCELLED or not enrollment.is_refunded:
        return False
    free = locked.waiting
    reason = Reason.ENROLLMENT_ENDED
    refund_parts(free, pending=locked.pending, reason=reason, now=locked.now, actor=actor)
    check_after_refund(free)
    give_seat_back(enrollment)
    enrollment.end(locked.now)
    return True


def _note_progress(enrollment: CourseEnrollment) -> None:
    """Note how much of it was attended; not saved."""
    [(attended, owed)] = queries.progress_of(enrollment.pk)
    if owed:
        enrollment.completion_percentage = (Decimal(100) * attended / owed).quantize(CENT)
