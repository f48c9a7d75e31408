"""After a session: attendance decides whether its share goes to the teacher or comes back."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from common.money import ZERO
from common.transactions import operation
from common.writing import save
from courses.locks import claim_session
from courses.models import CourseSession, grace
from enrollments.models import SessionPurchase
from enrollments.services import lifecycle
from enrollments.services.lifecycle import end_enrollment, refunded_enrollments
from enrollments.services.sessions import refund_cancelled_session
from payments.models import HoldPart
from payments.services.holds import Settled, Verdict
from rooms.attendance import Attended, attendance_in
from rooms.services.events import waiting_events
from settlement.messages import tell_completed, tell_settled
from settlement.queries import decidable_sessions
from settlement.services.listening import process_event
from settlement.services.sums import Sums
from settlement.verdicts import note_presence, verdict_on, why_unknown

logger = logging.getLogger(__name__)
T = TypeVar("T")
Status = HoldPart.Status


@dataclass(frozen=True, kw_only=True)
class Tally(Sums):
    """What was done: how many of each, and the sums moved in credits.

    `events` processed, parts `released`, `refunded`, put under review (`reviewed`) or given back
    because their session is cancelled (`swept`), enrolments that `ended` with their last paid part,
    sessions `completed`; what somebody else was at (`busy`) and what `failed`, which the next pass
    tries again.
    """

    events: int = 0
    swept: int = 0
    released: int = 0
    refunded: int = 0
    reviewed: int = 0
    ended: int = 0
    completed: int = 0
    busy: int = 0
    failed: int = 0
    released_amount: Decimal = ZERO
    refunded_amount: Decimal = ZERO


def settle_all() -> Iterator[Tally]:
    """Do all that is due, each piece in a transaction of its own; gives a tally of each.

    Works in the events that wait, refunds what cancelled sessions still hold, settles the sessions
    of which attendance can decide, ends enrolments to which everything paid came back. A repeat
    finds nothing due; any number may run at once. What fails is logged, left as it was, and does
    not keep the rest from being done.
    """
    for key in waiting_events():
        yield _attempt(_process, key)
    waiting = HoldPart.objects.filter(session=OuterRef("pk"), status=Status.PENDING)
    for session in CourseSession.objects.filter(
        Exists(waiting), status=CourseSession.Status.CANCELLED
    ):
        yield _attempt(_sweep, session)
    for session in CourseSession.objects.settling_at(timezone.now()).filter(
        status__in=CourseSession.OPEN
    ):
        yield from settle_session(session)
    for key in refunded_enrollments():
        yield _attempt(_end_enrollment, key)


def settle_session(session: CourseSession) -> Iterator[Tally]:
    """Settle every hold that pays for a session, then complete it; gives a tally of each.

    One transaction for each hold, which settles all that is due of it, and one for each enrolment
    that this leaves without a paid part, which ends. A repeat does what the first left.
    """
    for key in _undecided(session).values_list("hold_id", flat=True):
        yield _attempt(settle_hold, key)
    for key in refunded_enrollments(session.course_id):
        yield _attempt(_end_enrollment, key)
    yield _attempt(complete_session, session.pk)


@operation
def settle_hold(key: UUID) -> Tally:
    """Settle the due parts of a hold by attendance: release, refund, or put under review.

    A repeat finds nothing due. What somebody else is at is left to the next pass. Locks the
    booking if it is free, the hold with its parts, the accounts; never course nor session.
    """
    locked = lifecycle.claim(lifecycle.find_booking(key))
    if locked is None:
        return Tally(busy=1)
    keys = [part.session_id for part in locked.pending]
    sessions = {one.pk: one for one in decidable_sessions(keys, locked.now - grace())}
    due = [p for p in locked.pending if p.session_id in sessions and not p.review_reason]
    if not due:
        return Tally()
    booking = locked.booking
    # Read after the locks: a late event waits for them, so that none is neither seen nor noted.
    attended = attendance_in(sessions.values(), [booking.hold.student_id, booking.hold.teacher_id])
    verdicts = [verdict_on(part, sessions[part.session_id], attended) for part in due]
    _review([part for part, verdict in zip(due, verdicts, strict=True) if not verdict], attended)
    known = [verdict for verdict in verdicts if verdict]
    if known and isinstance(booking, SessionPurchase):
        note_presence(booking, known[0].part, attended)
    settled = lifecycle.settle(locked, known, actor=None)
    tell_settled(booking, due, attended)
    return _count(verdicts, settled)


@operation
def complete_session(key: UUID) -> Tally:
    """Mark a session completed once no part of it waits but for staff; its teacher is told.

    Locks the session.
    """
    session = claim_session(key)
    if session is None or session.status not in CourseSession.OPEN:
        return Tally()
    if session.settles_at > timezone.now() or _undecided(session).exists():
        return Tally()
    session.status = CourseSession.Status.COMPLETED
    session.save(update_fields=["status", "updated_at"])
    tell_completed(session)
    return Tally(completed=1)


def _undecided(session: CourseSession) -> QuerySet:
    """Parts of a session that wait, and not for staff."""
    return HoldPart.objects.filter(session=session, status=Status.PENDING, review_reason="")


def _review(parts: Sequence[HoldPart], attended: Attended) -> None:
    for part in parts:
        part.review_reason = why_unknown(part, attended)
    save(parts, ["review_reason"])


def _count(verdicts: Sequence[Verdict | None], settled: Settled) -> Tally:
    ends = Counter(verdict.part.status if verdict else "" for verdict in verdicts)
    return Tally(
        released=ends[Status.RELEASED],
        refunded=ends[Status.REFUNDED],
        reviewed=ends[""],
        released_amount=settled.released,
        refunded_amount=settled.refunded,
    )


def _end_enrollment(key: UUID) -> Tally:
    return Tally(ended=int(end_enrollment(key)))


def _attempt(work: Callable[[T], Tally], what: T) -> Tally:
    try:
        return work(what)
    except Exception:
        # A defect, or a database that is busy: the other pieces are due all the same.
        logger.exception("%s of %s failed", work.__name__, what)
        return Tally(failed=1)


def _process(key: UUID) -> Tally:
    return Tally(events=1) if process_event(key) else Tally(busy=1)


def _sweep(session: CourseSession) -> Tally:
    return Tally(swept=refund_cancelled_session(session, actor=None))
