"""Staff decide on what waits in a hold: it goes back to the student, or out to the teacher.

They also look at what late events say against a settlement, and put it aside.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError, NotFound
from common.money import total
from common.transactions import operation
from courses.models import Course, CourseSession
from enrollments.errors import PartyToHold
from enrollments.models import (
    CourseEnrollment,
    PurchaseStatus,
    SessionPurchase,
)
from enrollments.quotes import TimedPart
from enrollments.services.admission import check_after_refund
from enrollments.services.ending import end_if_refunded
from enrollments.services.progress import note_progress, note_refund
from payments.errors import HoldSettled
from payments.models import HoldPart, HoldStatus, PaymentHold
from payments.services.holds import Verdict, lock_pending_parts, settle_parts
from rooms.attendance import attendance_in
from settlement.errors import NoteChanged, SessionCalledOff, SessionNotOver, SessionNotStarted

RELEASED, REFUNDED = HoldPart.Status.RELEASED, HoldPart.Status.REFUNDED
Booking = CourseEnrollment | SessionPurchase


@dataclass(frozen=True)
class Decision:
    """What was decided: the `parts` settled by it, and their sum in credits."""

    hold: PaymentHold
    parts: Sequence[HoldPart]
    amount: Decimal


@operation
def refund_hold(
    *, hold_id: UUID, actor: User, reason: str, part_ids: Collection[UUID] | None = None
) -> Decision:
    """Give pending parts of a hold back to its student: those named, or all.

    A purchase ends as cancelled; so does an enrolment to which everything paid has come back, and
    its seat is free. A repeat raises `HoldSettled`. Raises `NotFound`, `PartyToHold`. Locks the
    course, the booking, its hold with parts, the wallet.
    """
    return _decide(hold_id, actor, reason, part_ids, REFUNDED)


@operation
def release_hold(
    *, hold_id: UUID, actor: User, reason: str, part_ids: Collection[UUID] | None = None
) -> Decision:
    """Pay pending parts of a hold out by its frozen rates: those named, or all.

    A purchase ends as attended; an enrolment of which nothing is pending any more as completed.
    Raises `SessionNotStarted`, `SessionNotOver`, `SessionCalledOff` where one of the parts cannot
    be paid out, else what `refund_hold` does. Locks the same, and the earnings accounts.
    """
    return _decide(hold_id, actor, reason, part_ids, RELEASED)


@operation
def dismiss_note(*, part_id: UUID, note: str, actor: User) -> HoldPart:
    """Put aside what late events say against a settled part; `note` is what staff have read of it.

    The money stays where it is. A repeat raises `NoteChanged`, and so does a note that says
    something else by now: another event has come. Raises `NotFound`, `PartyToHold`. Locks the
    part by the update itself.
    """
    part = HoldPart.objects.select_related("hold__student", "session").filter(pk=part_id).first()
    if part is None:
        raise NotFound
    if refusal := refuse_party(part.hold, actor):
        raise refusal
    if not parts_with_notes().filter(pk=part_id, review_reason=note).update(review_reason=""):
        raise NoteChanged
    return part


def parts_with_notes() -> QuerySet[HoldPart]:
    """Parts that attendance has settled, and late events speak against: staff look at them."""
    return HoldPart.objects.filter(reason__in=HoldPart.Reason.BY_ATTENDANCE).exclude(
        review_reason=""
    )


def refuse_deciding(hold: PaymentHold, actor: User) -> DomainError | None:
    """Why this person cannot decide on this hold, if so."""
    settled = None if hold.status == HoldStatus.HELD else HoldSettled()
    return refuse_party(hold, actor) or settled


def refuse_party(hold: PaymentHold, actor: User) -> PartyToHold | None:
    """Nobody decides where their own money is: the student's, the teacher's, the referrer's."""
    mine = actor.pk in (hold.student_id, hold.teacher_id, hold.referrer_id)
    return PartyToHold() if mine else None


def refuse_release(
    starts_at: datetime, minutes: int, session_status: str, now: datetime
) -> DomainError | None:
    """Why the part of a session that starts then and lasts so long cannot be paid out, if so."""
    if session_status == CourseSession.Status.CANCELLED:
        return SessionCalledOff()
    if starts_at > now:
        return SessionNotStarted()
    return SessionNotOver() if starts_at + timedelta(minutes=minutes) > now else None


def _decide(
    hold_id: UUID,
    actor: User,
    reason: str,
    part_ids: Collection[UUID] | None,
    status: HoldPart.Status,
) -> Decision:
    hold = _find(hold_id)
    if refusal := refuse_deciding(hold, actor):
        raise refusal
    booking = _lock_booking(hold)
    pending = lock_pending_parts(hold)
    due = _choose(pending, part_ids)
    now = timezone.now()
    if status == RELEASED:
        _check_release(due, now)
    verdicts = [Verdict(part, status, HoldPart.Reason.STAFF_DECISION) for part in due]
    settled = settle_parts(verdicts, pending=pending, now=now, actor=actor, note=reason)
    note_refund(booking, settled.refunded)
    if isinstance(booking, SessionPurchase):
        _end_purchase(booking, due[0], now)
    else:
        _go_on(booking, pending, now, actor)
    if status == REFUNDED:
        check_after_refund(due)
    return Decision(hold, due, total(part.amount for part in due))


def _find(hold_id: UUID) -> PaymentHold:
    together = PaymentHold.objects.select_related("enrollment", "session_purchase")
    if hold := together.filter(pk=hold_id).first():
        return hold
    raise NotFound


def _lock_booking(hold: PaymentHold) -> Booking:
    """The booking, read again once it and, before it, its course are locked."""
    booking: Any = hold.enrollment or hold.session_purchase
    list(Course.objects.filter(pk=booking.course_id).locked().values_list("pk"))
    booking.refresh_from_db(from_queryset=type(booking).objects.locked())
    return booking


def _choose(pending: Sequence[TimedPart], part_ids: Collection[UUID] | None) -> list[TimedPart]:
    """The parts to settle; none, or one that is settled already, is refused as a whole."""
    chosen = {part.pk for part in pending} if part_ids is None else set(part_ids)
    due = [part for part in pending if part.pk in chosen]
    if not due or len(due) < len(chosen):
        raise HoldSettled
    return due


def _check_release(due: Sequence[TimedPart], now: datetime) -> None:
    for part in due:
        length, status = part.duration_minutes, part.session_status
        if refusal := refuse_release(part.starts_at, length, status, now):
            raise refusal


def _end_purchase(purchase: SessionPurchase, part: HoldPart, now: datetime) -> None:
    """Paid out it was attended; given back it is cancelled, whoever was there keeps that."""
    released = part.status == RELEASED
    attended = attendance_in([purchase.session], [purchase.user_id])
    presence = attended.of(part.session_id, purchase.user_id, part.sold_duration_minutes)
    purchase.attendance_duration_minutes = presence.minutes
    purchase.attended = released or presence.suffices
    purchase.status = PurchaseStatus.ATTENDED if released else PurchaseStatus.CANCELLED
    purchase.cancelled_at = None if released else now
    purchase.save()


def _go_on(
    enrollment: CourseEnrollment, pending: Sequence[HoldPart], now: datetime, actor: User
) -> None:
    """It goes on, is completed, or ends with the last part that was paid."""
    note_progress(enrollment, pending)
    end_if_refunded(enrollment, pending, now=now, actor=actor)
    enrollment.save()
