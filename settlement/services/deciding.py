"""Staff decide on what waits in a hold: it goes back to the student, or out to the teacher.

They also look at what late events say against a settlement, and put it aside.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from common.errors import DomainError, NotFound
from common.locks import Rank, take
from common.money import total
from common.transactions import operation
from courses.locks import lock_course
from courses.models import CourseSession
from enrollments.errors import PartyToHold
from enrollments.models import SessionPurchase
from enrollments.services import lifecycle
from payments.errors import HoldSettled
from payments.models import HoldPart, HoldStatus, PaymentHold
from payments.services.holds import Verdict
from rooms.attendance import attendance_in
from settlement.errors import NoteChanged, SessionCalledOff, SessionNotOver, SessionNotStarted
from settlement.messages import tell_decided
from settlement.verdicts import note_presence

RELEASED, REFUNDED = HoldPart.Status.RELEASED, HoldPart.Status.REFUNDED


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

    Student and teacher are told, with the `reason`. A purchase ends as cancelled; so does an
    enrolment to which everything paid has come back, and its seat is free. A repeat raises
    `HoldSettled`. Raises `NotFound`, `PartyToHold`. Locks the course, the booking, its hold with
    parts, the wallet.
    """
    return _decide(hold_id, actor, reason, part_ids, REFUNDED)


@operation
def release_hold(
    *, hold_id: UUID, actor: User, reason: str, part_ids: Collection[UUID] | None = None
) -> Decision:
    """Pay pending parts of a hold out by its frozen rates: those named, or all.

    Student and teacher are told, with the `reason`. A purchase ends as attended; an enrolment of
    which nothing is pending any more as completed.
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
    take(Rank.PART, part_id)
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


def refuse_release(session: CourseSession, now: datetime) -> DomainError | None:
    """Why the part of this session cannot be paid out, if so."""
    if session.status == CourseSession.Status.CANCELLED:
        return SessionCalledOff()
    if not session.has_started(now):
        return SessionNotStarted()
    return SessionNotOver() if session.ends_at > now else None


def _decide(
    hold_id: UUID,
    actor: User,
    reason: str,
    part_ids: Collection[UUID] | None,
    status: HoldPart.Status,
) -> Decision:
    booking = lifecycle.find_booking(hold_id)
    if refusal := refuse_deciding(booking.hold, actor):
        raise refusal
    lock_course(booking.course_id)
    locked = lifecycle.lock(booking)
    due = _choose(locked.pending, part_ids)
    if status == RELEASED:
        _check_release(due, locked.now)
    verdicts = [Verdict(part, status, HoldPart.Reason.STAFF_DECISION) for part in due]
    if isinstance(booking, SessionPurchase):
        note_presence(booking, due[0], attendance_in([booking.session], [booking.user_id]))
    lifecycle.settle(locked, verdicts, actor=actor, note=reason, may_end=True)
    tell_decided(booking, due, reason=reason, ended=locked.has_ended)
    return Decision(booking.hold, due, total(part.amount for part in due))


def _choose(pending: Sequence[HoldPart], part_ids: Collection[UUID] | None) -> list[HoldPart]:
    """The parts to settle; none, or one that is settled already, is refused as a whole."""
    chosen = {part.pk for part in pending} if part_ids is None else set(part_ids)
    due = [part for part in pending if part.pk in chosen]
    if not due or len(due) < len(chosen):
        raise HoldSettled
    return due


def _check_release(due: Sequence[HoldPart], now: datetime) -> None:
    for part in due:
        if refusal := refuse_release(part.session, now):
            raise refusal
