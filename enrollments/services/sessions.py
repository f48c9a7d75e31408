"""Change what may have been sold: a course's terms, a session moved or called off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError, NotFound
from common.formats import counted, money
from common.money import ZERO
from common.transactions import operation
from courses.descriptions import write_description
from courses.locks import lock_session, lock_sessions
from courses.models import Course, CourseSession
from courses.services import (
    check_sellable,
    lock_course,
    save_sessions,
    save_terms,
)
from courses.words import IN_WORDS, write_words
from enrollments.access import most_admitted
from enrollments.errors import (
    CourseSold,
    PartyToHold,
    ReasonMissing,
    RefundsChanged,
    SeatsTaken,
    SessionClosed,
    SessionSold,
    SessionStarted,
    StartInPast,
)
from enrollments.messages.sessions import deleted_for_calendar, tell_called_off, tell_moved
from enrollments.messages.words import Slot
from enrollments.queries import singles_seated
from enrollments.services import lifecycle
from enrollments.services.admission import (
    check_after_commit,
    checked_together,
    close_after_commit,
)
from enrollments.services.lifecycle import end_enrollment, refunded_enrollments
from enrollments.services.numbers import renumber
from notices.services.outbox import put
from payments.models import HoldPart

WHEN = ("starts_at", "duration_minutes")
# What else changes in a session that is moved.
MOVED = ("rescheduled_at", "status", "sequence")


@dataclass(frozen=True)
class Refunds:
    """How many students get a refund for a session, and how much, in credits."""

    students: int = 0
    amount: Decimal = ZERO

    def __str__(self) -> str:
        if not self.students:
            return "Nobody had paid for it."
        return f"{counted(self.students, 'student')} got {money(self.amount)} back."

    @property
    def told(self) -> str:
        """The refund that a page announces; it is sent along, to be compared."""
        return f"{self.students}:{self.amount:.2f}"


@operation
def change_course(*, course_id: UUID, actor: User, **changes: Any) -> Course:
    """Change title, texts, picture, prices (credits) or `max_students`; a repeat adds nothing.

    Existing bookings keep their price; the file of a replaced picture is deleted. Raises
    `NotStored` if there is no room for a picture, `SeatsTaken` below the seats taken,
    `NothingToSell` for a published course, `NotFound` for anyone but its teacher and staff. Locks
    the course.
    """
    course = lock_course(course_id=course_id, actor=actor)
    if "thumbnail" in changes and course.thumbnail:
        replaced = str(course.thumbnail)
        transaction.on_commit(lambda: default_storage.delete(replaced), robust=True)
    for name, value in changes.items():
        setattr(course, name, value)
    if course.max_students is not None:
        _check_capacity(course, course.max_students)
    if course.status == Course.Status.PUBLISHED:
        check_sellable(course)
    save_terms(course, *changes)
    if "description" in changes:
        write_description(course)
    if not IN_WORDS.isdisjoint(changes):
        write_words(course)
    return course


@operation
def change_session(
    *, session_id: UUID, actor: User, reason: str = "", unbooked: bool = False, **changes: Any
) -> CourseSession:
    """Change a session's title, description, `starts_at` or `duration_minutes`.

    Texts may change at any time, start and length until it starts. Once it is moved, its students
    are told the `reason` and may return it, and a room that is open too early is closed. A repeat
    changes nothing more. Raises `ReasonMissing` if it was `unbooked` when the caller asked for no
    reason to move it, and no longer is; `SessionStarted`, `SessionClosed` once cancelled or over,
    `StartInPast`, `NotFound` for anyone but its teacher and staff. Locks the course, the session.
    """
    session = _lock_session(session_id, actor)
    if not changes.keys().isdisjoint(WHEN):
        check_movable(session)
    if "starts_at" in changes:
        check_start(changes["starts_at"])
    old = Slot.of(session)
    moved = any(changes.get(name, was) != was for name, was in zip(WHEN, old, strict=True))
    if moved:
        if unbooked and is_booked(session):
            raise ReasonMissing
        note_move(session, timezone.now())
        _look_in_if_open(session)
    for name, value in changes.items():
        setattr(session, name, value)
    session.save(update_fields=[*changes, *(MOVED if moved else ()), "updated_at"])
    if moved:
        renumber(session.course)
        session.refresh_from_db(fields=["session_number"])
    save_sessions(session.course)
    if moved:
        tell_moved(session, old=old, actor=actor, reason=reason)
    return session


def move_session(
    *,
    session_id: UUID,
    actor: User,
    starts_at: datetime,
    duration_minutes: int,
    reason: str = "",
) -> CourseSession:
    """Give a session that has not started another start or length, in minutes.

    Notices, repeats, refusals and locks are those of `change_session`.
    """
    return change_session(
        session_id=session_id,
        actor=actor,
        reason=reason,
        starts_at=starts_at,
        duration_minutes=duration_minutes,
    )


def cancel_session(
    *, session_id: UUID, actor: User, reason: str = "", expected: Refunds | None = None
) -> CourseSession:
    """Call a session off and refund every pending part of it, one hold per transaction.

    Its students are told the `reason`. Its room is closed. An enrolment that has been refunded
    completely ends. A repeat does what a crash left over, each part once. Raises what
    `refuse_calling_off` gives, `RefundsChanged` if the refunds would not be as expected, and
    `NotFound` for anyone but its teacher and staff. Locks the course and the session; then one
    booking at a time with its hold and wallet; then the course again for each enrolment that this
    leaves without a paid part.
    """
    session = _mark_cancelled(session_id=session_id, actor=actor, reason=reason, expected=expected)
    with checked_together():
        refund_cancelled_session(session, actor=actor)
        for enrollment in refunded_enrollments(session.course_id):
            end_enrollment(enrollment)
    return session


@operation
def delete_session(*, session_id: UUID, actor: User) -> None:
    """Remove a session that nobody has or had, so that it no longer shares the price.

    Its room is closed, and it leaves its teacher's calendar. A repeat raises `NotFound`, as does
    anyone but its teacher and staff. Raises what `refuse_deleting` gives. Locks the course and the
    session.
    """
    session, now = _lock_session(session_id, actor), timezone.now()
    if refusal := refuse_deleting(session, sold=was_sold(session), now=now):
        raise refusal
    told = deleted_for_calendar(session.course, [session], actor=actor)
    session.delete()
    renumber(session.course)
    save_sessions(session.course)
    if session.opens_at <= now:
        close_after_commit(session)
    put(told)


@operation
def delete_course(*, course_id: UUID, actor: User) -> None:
    """Remove a course that nobody has or had any part of, with its sessions and its picture.

    Rooms that are open are closed, and its sessions leave its teacher's calendar. A repeat raises
    `NotFound`, as does anyone but its teacher and staff. Raises `CourseSold`. Locks the course and
    its sessions.
    """
    course, now = lock_course(course_id=course_id, actor=actor), timezone.now()
    sessions = lock_sessions(course.pk)
    if was_course_sold(course):
        raise CourseSold
    told = deleted_for_calendar(course, sessions, actor=actor)
    course.sessions.all().delete()
    if course.thumbnail:
        picture = str(course.thumbnail)
        transaction.on_commit(lambda: default_storage.delete(picture), robust=True)
    course.delete()
    for session in sessions:
        if session.lasts(now) and session.opens_at <= now:
            close_after_commit(session)
    put(told)


def refuse_calling_off(session: CourseSession, actor: User, now: datetime) -> DomainError | None:
    """Why this user can't call a session off, which comes with its course; None if they can.

    Once it has started, attendance decides; otherwise a lesson could be given and not paid for.
    Then only staff who don't teach it can. Staff who have paid for it can't use this to refund
    themselves.
    """
    return refuse_calling_off_each([session], actor, now)[session.pk]


def refuse_calling_off_each(
    sessions: Sequence[CourseSession], actor: User, now: datetime
) -> dict[UUID, DomainError | None]:
    """The same for each of these sessions; at most one statement."""
    taught = {session.pk: actor.pk == session.course.teacher_id for session in sessions}
    pending = HoldPart.objects.filter(
        Q(hold__student=actor) | Q(hold__referrer=actor),
        session__in=[key for key, teaches in taught.items() if not teaches],
        status=HoldPart.Status.PENDING,
    )
    mine = set(pending.values_list("session", flat=True))

    def refuse(session: CourseSession) -> DomainError | None:
        if session.status == CourseSession.Status.COMPLETED:
            return SessionClosed()
        if session.has_started(now) and (taught[session.pk] or not actor.is_staff):
            return SessionStarted()
        return PartyToHold() if session.pk in mine else None

    return {session.pk: refuse(session) for session in sessions}


def refuse_deleting(session: CourseSession, *, sold: bool, now: datetime) -> DomainError | None:
    """Why a session can't be deleted: it `was_sold`, or it has started. None if it can."""
    if sold:
        return SessionSold()
    takes_place = session.status != CourseSession.Status.CANCELLED
    return SessionStarted() if takes_place and session.has_started(now) else None


def was_sold(session: CourseSession) -> bool:
    """Whether any student has or had it, even at no charge."""
    return HoldPart.objects.filter(session=session).exists()


def was_course_sold(course: Course) -> bool:
    """Whether any student has or had any of it, even at no charge."""
    return HoldPart.objects.filter(session__course=course).exists()


def is_booked(session: CourseSession) -> bool:
    """Whether any student has it, even at no charge, and it is not settled."""
    pending = HoldPart.objects.filter(session=session, status=HoldPart.Status.PENDING)
    return pending.exists()


def refunds_due(session_id: UUID) -> Refunds:
    """What calling a session off now would refund."""
    return refunds_due_in([session_id])[session_id]


def refunds_due_in(sessions: Sequence[UUID]) -> dict[UUID, Refunds]:
    """The same for each of these sessions; one statement."""
    return _refunds(sessions, status=HoldPart.Status.PENDING)


def refunds_made(session_id: UUID) -> Refunds:
    """What calling a session off has refunded."""
    return _refunds([session_id], reason=HoldPart.Reason.SESSION_CANCELLED)[session_id]


def refunds_changed(due: Refunds) -> RefundsChanged:
    """The refusal of refunds other than expected, with what is `due`."""
    return RefundsChanged(students=due.students, amount=due.amount)


def refund_cancelled_session(session: CourseSession, *, actor: User | None) -> int:
    """Refund the pending parts of a cancelled session; gives how many. A repeat gives 0."""
    pending = HoldPart.objects.filter(session=session, status=HoldPart.Status.PENDING)
    holds = pending.values_list("hold_id", flat=True)
    return sum(_refund_hold(hold, session, actor) for hold in list(holds))


def _refunds(sessions: Sequence[UUID], **where: Any) -> dict[UUID, Refunds]:
    paid = HoldPart.objects.filter(session__in=sessions, amount__gt=0, **where)
    rows = paid.order_by().values_list("session")
    counted = rows.annotate(students=Count("hold__student", distinct=True), amount=Sum("amount"))
    found = {key: Refunds(students, amount) for key, students, amount in counted}
    return {key: found.get(key, Refunds()) for key in sessions}


@operation
def _mark_cancelled(
    *, session_id: UUID, actor: User, reason: str, expected: Refunds | None
) -> CourseSession:
    session = _lock_session(session_id, actor)
    if session.status == CourseSession.Status.CANCELLED:
        return session
    if refusal := refuse_calling_off(session, actor, timezone.now()):
        raise refusal
    if expected is not None and expected != (due := refunds_due(session_id)):
        raise refunds_changed(due)
    session.status = CourseSession.Status.CANCELLED
    session.sequence += 1
    session.has_share = HoldPart.objects.filter(session=session, amount__gt=0).exists()
    session.save(update_fields=["status", "sequence", "has_share", "updated_at"])
    save_sessions(session.course)
    _look_in_if_open(session)
    tell_called_off(session, actor=actor, reason=reason)
    return session


@operation
def _refund_hold(hold_id: UUID, session: CourseSession, actor: User | None) -> int:
    locked = lifecycle.lock(lifecycle.find_booking(hold_id))
    due = [part for part in locked.pending if part.session_id == session.pk]
    if due:
        lifecycle.give_back(locked, due, HoldPart.Reason.SESSION_CANCELLED, actor=actor)
    return len(due)


def _lock_session(session_id: UUID, actor: User) -> CourseSession:
    course_id = CourseSession.objects.filter(pk=session_id).values_list("course_id", flat=True)
    key = course_id.first()
    if key is None:
        raise NotFound
    course = lock_course(course_id=key, actor=actor)
    session = lock_session(session_id)
    if session is None:
        raise NotFound
    session.course = course
    return session


def note_move(session: CourseSession, now: datetime) -> None:
    """A session that is moved is to come again, and calendars know its time for the newest."""
    session.rescheduled_at, session.status = now, CourseSession.Status.SCHEDULED
    session.sequence += 1


def _look_in_if_open(session: CourseSession) -> None:
    """After the commit, check that nobody stays in its room because of the old times."""
    if session.opens_at <= timezone.now():
        check_after_commit({session.pk})


def check_movable(session: CourseSession) -> None:
    """Raises `SessionClosed` or `SessionStarted`."""
    if session.status not in (CourseSession.Status.SCHEDULED, CourseSession.Status.LIVE):
        raise SessionClosed
    if session.has_started():
        raise SessionStarted


def check_start(starts_at: datetime) -> None:
    """Raises `StartInPast`."""
    if starts_at <= timezone.now():
        raise StartInPast


def _check_capacity(course: Course, seats: int) -> None:
    now = timezone.now()
    to_come = course.sessions.open_at(now).annotate(taken=singles_seated())
    sold = course.current_students + max((session.taken for session in to_come), default=0)
    # People in a running session stay, even if their seat has been given back.
    taken = max(sold, most_admitted(course, now))
    if seats < taken:
        raise SeatsTaken(taken=taken)
