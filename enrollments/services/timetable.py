"""The timetable of a course: one or many sessions added, moved or copied at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models import User
from common.errors import NotFound
from common.transactions import operation
from common.writing import save
from courses.descriptions import write_description
from courses.locks import lock_sessions
from courses.models import Course, CourseDescription, CourseSession
from courses.services import check_sellable, lock_course, save_sessions
from enrollments.errors import ReasonMissing
from enrollments.messages.timetable import tell_added, tell_several_moved
from enrollments.messages.words import Slot
from enrollments.services import lifecycle
from enrollments.services.admission import check_after_commit
from enrollments.services.numbers import next_number, renumber
from enrollments.services.sessions import MOVED, check_movable, check_start, note_move
from payments.models import HoldPart

# What a copy of a course has in common with it.
_TERMS = (
    "title", "description", "language", "level", "category", "price_full_course",
    "price_per_session", "max_students", "by_link_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to add; its length is in minutes."""

    title: str
    starts_at: datetime
    duration_minutes: int
    description: str = ""


@operation
def add_sessions(*, course_id: UUID, actor: User, new: Sequence[NewSession]) -> list[CourseSession]:
    """Add sessions to a course, all or none; live enrolments that hold a paid part get in free.

    Gives them by their numbers. Those students are told, once for all. A repeat adds others. Raises
    `StartInPast`, `TooManySessions`, `NothingToSell` if the shares of a published course would fall
    below a cent, and `NotFound` for anyone but its teacher and staff. Locks the course, its live
    enrolments and their holds.
    """
    course = lock_course(course_id=course_id, actor=actor)
    for one in new:
        check_start(one.starts_at)
    made = _create(course, new)
    if course.status == Course.Status.PUBLISHED:
        check_sellable(course)
    renumber(course)
    save_sessions(course)
    added = list(course.sessions.filter(pk__in=[session.pk for session in made]))
    for session in added:
        session.course = course
    lifecycle.let_enrolled_in(course, added)
    tell_added(added, actor=actor)
    return added


def _create(course: Course, new: Sequence[NewSession]) -> list[CourseSession]:
    first = next_number(course, adding=len(new))
    return CourseSession.objects.bulk_create(
        CourseSession(
            course=course,
            session_number=number,
            title=one.title,
            description=one.description,
            starts_at=one.starts_at,
            duration_minutes=one.duration_minutes,
        )
        for number, one in enumerate(sorted(new, key=lambda one: one.starts_at), first)
    )


def add_session(
    *,
    course_id: UUID,
    actor: User,
    title: str,
    starts_at: datetime,
    duration_minutes: int,
    description: str = "",
) -> CourseSession:
    """Add one session; repeats, refusals and locks are those of `add_sessions`."""
    one = NewSession(title, starts_at, duration_minutes, description)
    [added] = add_sessions(course_id=course_id, actor=actor, new=[one])
    return added


@operation
def move_sessions(
    *,
    course_id: UUID,
    actor: User,
    starts: Mapping[UUID, datetime],
    reason: str = "",
    unbooked: bool = False,
) -> list[CourseSession]:
    """Give sessions of a course, which have not started, other starts: all or none.

    Their students are told the `reason`, once for all, and may return each session that moved, as
    if it had moved alone; rooms that are open too early are closed. Gives those that moved; a
    repeat moves none. Raises `ReasonMissing` if the caller asked for no reason because all were
    `unbooked`, and they no longer are; else as `change_session`. Locks the course and its sessions.
    """
    course, now = lock_course(course_id=course_id, actor=actor), timezone.now()
    moving = _lock_those_that_move(course, starts)
    old = {session.pk: Slot.of(session) for session in moving}
    if unbooked and _are_booked(moving):
        raise ReasonMissing
    opened = {session.pk for session in moving if session.opens_at <= now}
    for session in moving:
        check_movable(session)
        check_start(starts[session.pk])
        session.course, session.starts_at = course, starts[session.pk]
        note_move(session, now)
    save(moving, ["starts_at", *MOVED, "updated_at"])
    if moving:
        renumber(course)
        save_sessions(course)
        check_after_commit(opened)
        tell_several_moved(moving, old=old, actor=actor, reason=reason)
    return moving


def _lock_those_that_move(course: Course, starts: Mapping[UUID, datetime]) -> list[CourseSession]:
    """Of the course's sessions, all of which it locks, those that are to start at another time."""
    there = {session.pk: session for session in lock_sessions(course.pk)}
    if not starts.keys() <= there.keys():
        raise NotFound
    return [there[key] for key, start in starts.items() if there[key].starts_at != start]


def _are_booked(sessions: Sequence[CourseSession]) -> bool:
    pending = HoldPart.objects.filter(session__in=sessions, status=HoldPart.Status.PENDING)
    return pending.exists()


@operation
def copy_course(*, course_id: UUID, actor: User, starts: Mapping[UUID, datetime]) -> Course:
    """Draft a course like this one, with those of its sessions that get other `starts`.

    Its picture is copied too; nobody's booking is. A repeat drafts another. Raises `StartInPast`,
    `NotStored` if there is no room for the picture, and `NotFound` for anyone but its teacher and
    staff. Locks the course.
    """
    course = lock_course(course_id=course_id, actor=actor)
    for start in starts.values():
        check_start(start)
    terms = {name: getattr(course, name) for name in _TERMS}
    picture = _copy_of(course.thumbnail)
    draft = Course.objects.create(teacher=course.teacher, thumbnail=picture or "", **terms)
    if CourseDescription.objects.filter(course=course).exists():  # else it is plain text
        write_description(draft)
    _copy_sessions(course, draft, starts)
    save_sessions(draft)
    return draft


def _copy_sessions(course: Course, draft: Course, starts: Mapping[UUID, datetime]) -> None:
    taken = course.sessions.filter(pk__in=starts.keys())
    ordered = sorted(taken, key=lambda session: (starts[session.pk], session.session_number))
    CourseSession.objects.bulk_create(
        CourseSession(
            course=draft,
            session_number=number,
            starts_at=starts[session.pk],
            title=session.title,
            description=session.description,
            duration_minutes=session.duration_minutes,
        )
        for number, session in enumerate(ordered, 1)
    )


def _copy_of(picture: FieldFile) -> ContentFile | None:
    if not picture:
        return None
    with picture.open() as stored:
        return ContentFile(stored.read(), f"{uuid7().hex}.webp")
