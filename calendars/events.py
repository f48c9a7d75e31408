"""What is in a user's calendar: the sessions that they booked or teach."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Count, QuerySet
from django.urls import reverse

from accounts.models import User
from common.errors import NotFound
from courses.models import Course, CourseSession
from payments.models import HoldPart
from payments.queries import NOT_LEFT
from payments.reasons import Reason

# A feed has at most this many events, the next ones, and drops those that are this long ago.
MOST = 1000
PAST = timedelta(days=90)


@dataclass(frozen=True)
class Event:
    """A session in one reader's calendar; nothing in it is about anyone else.

    `sequence` grows with each change of its time, when it is called off, and whenever this reader
    leaves or comes back. It `is_off` if it is called off, or the reader has left it.
    """

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    title: str
    description: str
    place: str
    url: str
    is_off: bool


class _Booked(NamedTuple):
    """How often a reader got a session, and how many of those parts they still have."""

    came: int
    kept: int

    @property
    def changes(self) -> int:
        """How often they came back, and how often they left."""
        return (self.came - 1) + (self.came - self.kept)


def events_of(user: User, now: datetime) -> list[Event]:
    """A user's feed, sorted by start; three statements, however many sessions there are.

    What they booked and still have, or what was called off, and what they teach, without drafts.
    """
    since = now - PAST
    kept = _booked(user, session__starts_at__gte=since).filter(kept__gt=0)
    booked = _by_session(kept.order_by("session__starts_at", "session")[:MOST])
    taught = CourseSession.objects.filter(course__teacher=user, starts_at__gte=since)
    taught = taught.exclude(course__status=Course.Status.DRAFT).order_by("starts_at", "pk")
    found = [
        *((session, booked[session.pk]) for session in _with_course(pk__in=booked)),
        *((session, None) for session in taught.select_related("course")[:MOST]),
    ]
    found.sort(key=lambda pair: (pair[0].starts_at, pair[0].pk))
    return [_event(session, mine) for session, mine in found[:MOST]]


def event_of(user: User, session_id: UUID) -> Event:
    """One session in a user's calendar; two statements. Raises `NotFound` if they never had it.

    One that they left, or that was called off, `is_off`.
    """
    for session in _with_course(pk=session_id):
        if session.course.teacher_id == user.pk:
            return _event(session, None)
        mine = _by_session(_booked(user, session=session_id)).get(session_id)
        if mine:
            return _event(session, mine)
    raise NotFound


def event_of_taught(session: CourseSession) -> Event:
    """A session in its teacher's calendar; no statement, so it may have been deleted."""
    return _event(session, None)


def events_of_enrollment(user: User, enrollment_id: UUID) -> list[Event]:
    """The sessions of a user's enrolment that they have, by their start; two statements.

    Raises `NotFound` if it isn't theirs, or they have none of them any more.
    """
    mine = HoldPart.objects.filter(hold__enrollment=enrollment_id, hold__student=user)
    return _events(user, session__in=mine.values_list("session"))


def events_of_course(user: User, course_id: UUID) -> list[Event]:
    """The sessions of a course that the user has, however they booked them; likewise."""
    return _events(user, session__course=course_id)


def _events(user: User, **which: Any) -> list[Event]:
    booked = _by_session(_booked(user, **which).filter(kept__gt=0))
    if not booked:
        raise NotFound
    sessions = _with_course(pk__in=booked).order_by("starts_at", "pk")
    return [_event(session, booked[session.pk]) for session in sessions]


def left_of_enrollment(user: User, enrollment_id: UUID) -> list[Event]:
    """The sessions that a user had by an enrolment and has no more, by their start; two statements.

    Without those that were called off, of which each is told by itself.
    """
    mine = HoldPart.objects.filter(hold__enrollment=enrollment_id, hold__student=user)
    booked = _by_session(_booked(user, session__in=mine.values_list("session")).filter(kept=0))
    sessions = _with_course(pk__in=booked).order_by("starts_at", "pk")
    return [_event(session, booked[session.pk]) for session in sessions]


def _booked(user: User, **which: Any) -> QuerySet:
    """How often the user got each session, and what they still have of it.

    A single purchase that became part of a course was neither returned nor bought again. A session
    that was called off stays with those who had it, because it is news to them; calendars drop what
    a feed no longer has.
    """
    parts = HoldPart.objects.filter(hold__student=user, **which).exclude(reason=Reason.FOLDED)
    return (
        parts.order_by()
        .values_list("session")
        .annotate(came=Count("pk"), kept=Count("pk", filter=NOT_LEFT))
    )


def _by_session(rows: Iterable[tuple[UUID, int, int]]) -> dict[UUID, _Booked]:
    return {session: _Booked(came, kept) for session, came, kept in rows}


def _with_course(**which: Any) -> QuerySet[CourseSession]:
    return CourseSession.objects.select_related("course").filter(**which)


def _event(session: CourseSession, mine: _Booked | None) -> Event:
    """The event of a student, or of the teacher."""
    is_off = session.status == CourseSession.Status.CANCELLED or (
        mine is not None and not mine.kept
    )
    title = clean(f"{session.course.title}: {session.title}")
    door = _link("enrollments:room", session.pk)
    page = f"{_link('enrollments:course', session.course_id)}#session-{session.session_number}"
    return Event(
        uid=str(session.pk),
        sequence=session.sequence + (mine.changes if mine else 0),
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        # Not every calendar shows cancelled events differently.
        title=f"Cancelled: {title}" if is_off else title,
        description=_about(session, mine)
        if is_off
        else f"{_about(session, mine)}\n{_way_in(door)}",
        place=door,
        url=page if mine else _link("teaching:roster", session.pk),
        is_off=is_off,
    )


def _about(session: CourseSession, mine: _Booked | None) -> str:
    if session.status == CourseSession.Status.CANCELLED:
        return "This session was cancelled."
    if mine is None:
        return "You teach this session."
    return "You have booked this session." if mine.kept else "You no longer have this session."


def _way_in(door: str) -> str:
    return f"Join from {settings.JOIN_OPENS_MINUTES} minutes before it starts: {door}"


def _link(name: str, key: UUID) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=[key])}"


def clean(text: str) -> str:
    """On one line, and without what iCalendar forbids."""
    return "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in text)
