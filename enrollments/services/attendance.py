"""Who was in a session's room, and for how long: the evidence that settlement goes by."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from common.prepared import prepared
from courses.models import CourseSession
from enrollments.livekit import Connection
from enrollments.models import Attendance, WebhookEvent
from payments.models import HoldPart

NONE = timedelta(0)
MINUTE = timedelta(minutes=1)
ROOM_FINISHED = "room_finished"
BY_ATTENDANCE = {
    HoldPart.Reason.ATTENDED,
    HoldPart.Reason.MISSED,
    HoldPart.Reason.TEACHER_ABSENT,
}
# From when until when somebody was connected; without an end it lasts, or its end was lost.
Spell = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Presence:
    """How long somebody was there, of the `length` that was sold."""

    time: timedelta
    length: timedelta

    @property
    def minutes(self) -> int:
        """Whole minutes."""
        return self.time // MINUTE

    @property
    def percent(self) -> int:
        """Whole percent of the length."""
        return self.time * 100 // self.length

    @property
    def suffices(self) -> bool:
        """Whether that counts as having been there: `ATTENDANCE_THRESHOLD_PERCENT`."""
        return self.time * 100 >= self.length * settings.ATTENDANCE_THRESHOLD_PERCENT


def outcome_of(teacher: Presence, student: Presence) -> HoldPart.Reason:
    """What presences make of a part: both are of the length that it was sold with."""
    if not teacher.suffices:
        return HoldPart.Reason.TEACHER_ABSENT
    return HoldPart.Reason.ATTENDED if student.suffices else HoldPart.Reason.MISSED


class Attended(dict[tuple[UUID, UUID], Presence]):
    """Presences by session and user, each of the length that is scheduled."""

    def of(self, part: HoldPart, user_id: UUID) -> Presence:
        """Somebody's presence in the session of a part, of the length it was sold with."""
        found = self.get((part.session_id, user_id))
        return Presence(found.time if found else NONE, part.sold_duration_minutes * MINUTE)


def attendance_of(session: CourseSession) -> dict[UUID, Presence]:
    """Everybody's presence in a session, its teacher's included, by user; one statement."""
    return {user: presence for (_, user), presence in attendance_in([session]).items()}


def attendance_in(
    sessions: Iterable[CourseSession], users: Iterable[UUID] | None = None
) -> Attended:
    """Presences in these sessions, of everybody or of these users; one statement."""
    known = {session.pk: session for session in sessions}
    if users is None:
        rows = [*_of_all([*known])]
    else:
        users = [*users]
        rows = _of_users([*known], users) if known and users else []
    spells: defaultdict[tuple[UUID, UUID], list[Spell]] = defaultdict(list)
    for row in rows:
        assert row.joined_at
        spells[row.session_id, row.user_id].append((row.joined_at, row.left_at))
    return Attended({key: _presence(known[key[0]], times) for key, times in spells.items()})


def _of_all(sessions: Sequence[UUID]) -> QuerySet:
    return Attendance.objects.filter(session__pk__in=sessions, joined_at__isnull=False)


@prepared
def _of_users(sessions: list[UUID], users: list[UUID]) -> QuerySet:
    return _of_all(sessions).filter(user__pk__in=users)


def length_of(session: CourseSession) -> timedelta:
    """A session's scheduled length."""
    return session.duration_minutes * MINUTE


def time_within(spells: Iterable[Spell], start: datetime, end: datetime) -> timedelta:
    """The union of these spells between `start` and `end`; one without an end lasts until then."""
    spent, counted_until = NONE, start
    for joined, left in sorted(spells, key=lambda spell: spell[0]):
        since, until = max(joined, counted_until), min(left or end, end)
        if until > since:
            spent, counted_until = spent + (until - since), until
    return spent


def record_joined(
    session: CourseSession,
    user: User,
    connection: Connection,
    *,
    room_sid: str,
    at: datetime,
    source: str = Attendance.Source.WEBHOOK,
) -> None:
    """Note that somebody connected to the room `at` a time, or was seen there, connected since.

    A repeat changes nothing, nor does it matter whether the end of the connection, or of the
    room, is known already. The caller has locked the session.
    """
    row = _connection_row(session, user, connection, room_sid, source)
    row.joined_at = _earlier(row.joined_at, connection.joined_at or at)
    row.save(update_fields=["joined_at"])


def record_left(
    session: CourseSession, user: User, connection: Connection, *, room_sid: str, at: datetime
) -> None:
    """Note that a connection to the room ended `at` a time.

    Its end also says since when it was there, where that news was lost. A repeat changes nothing.
    The caller has locked the session.
    """
    row = _connection_row(session, user, connection, room_sid, Attendance.Source.WEBHOOK)
    row.left_at = at
    row.joined_at = _earlier(row.joined_at, connection.joined_at)
    row.save(update_fields=["joined_at", "left_at"])


def record_finished(session: CourseSession, *, room_sid: str, at: datetime) -> None:
    """Close what is open in a room that ended `at` a time. The caller has locked the session."""
    Attendance.objects.filter(session=session, room_sid=room_sid, left_at=None).update(left_at=at)


def _presence(session: CourseSession, spells: Iterable[Spell]) -> Presence:
    return Presence(time_within(spells, session.starts_at, session.ends_at), length_of(session))


def _connection_row(
    session: CourseSession, user: User, connection: Connection, room_sid: str, source: str
) -> Attendance:
    row, _ = Attendance.objects.get_or_create(
        session=session,
        connection=connection.sid,
        defaults={
            "user": user,
            "room_sid": room_sid,
            "source": source,
            "left_at": _finished_at(session, room_sid),
        },
    )
    return row


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


def _finished_at(session: CourseSession, room_sid: str) -> datetime | None:
    """When this room ended, where that is known before somebody's part in it."""
    ends = WebhookEvent.objects.filter(session=session, kind=ROOM_FINISHED, room_sid=room_sid)
    return ends.order_by("occurred_at").values_list("occurred_at", flat=True).first()
