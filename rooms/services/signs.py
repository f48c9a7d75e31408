"""Records signs of who was in a room: of a person's connection, and of the room itself.

In any order and however often they come, they add up to the same (`rooms.presence`). The caller has
locked the session.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import User
from courses.models import CourseSession
from rooms.livekit import Connection
from rooms.models import Attendance, RoomWatch
from rooms.presence import add_event, add_sign

JOINED = "participant_joined"
LEFT = "participant_left"
ABORTED = "participant_connection_aborted"
ENDINGS = (LEFT, ABORTED)


def record_event(
    session: CourseSession, kind: str, room_sid: str, at: datetime, *, num_dropped: int = 0
) -> None:
    """Record what happened in the room with this id `at` a time, and what was dropped before."""
    watch, _ = RoomWatch.objects.get_or_create(
        session=session, room_sid=room_sid, defaults={"seen_at": at}
    )
    add_event(watch, kind, at)
    watch.num_dropped = max(watch.num_dropped, num_dropped)
    watch.save()


def record_sign(
    session: CourseSession,
    user: User,
    connection: Connection,
    *,
    kind: str,
    room_sid: str,
    at: datetime,
) -> None:
    """Record what an event says about a person's connection to a room.

    It says that it is active, or was: if news of the start was lost, the end says since when. An
    aborted connection never became active, unless something else says so. Anything else that
    happens to it is merely a sign of it.
    """
    row = _row_of(session, user, connection, room_sid, at, Attendance.Source.WEBHOOK)
    since = None
    if kind == JOINED:
        since = connection.joined_at or at
    elif kind == LEFT:
        since = connection.joined_at
    ends = kind in ENDINGS
    add_sign(row, at, since=since, ends=ends)
    if ends:
        row.removed = row.removed or connection.removed
        row.disconnect_reason = row.disconnect_reason or connection.reason
    row.save()


def record_poll(
    session: CourseSession, seen: Mapping[Connection, User], room_sid: str, at: datetime
) -> None:
    """Record that LiveKit answered `at` a time, and which of our users it has `seen` active.

    If there is no such room it has seen nobody.
    """
    for connection, user in seen.items():
        row = _row_of(session, user, connection, room_sid, at, Attendance.Source.POLL)
        add_sign(row, at, since=connection.joined_at or at)
        row.save()
    others = Attendance.objects.filter(session=session, left_at=None, gone_at=None, seen_at__lt=at)
    named = [connection.sid for connection in seen]
    others.exclude(connection__in=named).update(gone_at=at)
    _extend_run(session, at)


def _row_of(
    session: CourseSession,
    user: User,
    connection: Connection,
    room_sid: str,
    at: datetime,
    source: str,
) -> Attendance:
    row, _ = Attendance.objects.get_or_create(
        session=session,
        connection=connection.sid,
        defaults={"user": user, "room_sid": room_sid, "source": source, "seen_at": at},
    )
    return row


def _extend_run(session: CourseSession, at: datetime) -> None:
    """Add a poll to the run of polls that it continues, or start another."""
    apart = timedelta(minutes=settings.POLLS_APART_MINUTES)
    runs = RoomWatch.objects.filter(session=session, room_sid="")
    run = runs.filter(started_at__lte=at + apart, seen_at__gte=at - apart).first()
    if run is None:
        run = RoomWatch(session=session, started_at=at, finished_at=at, seen_at=at)
    assert run.started_at
    run.started_at = min(run.started_at, at)
    run.finished_at = run.seen_at = max(run.seen_at, at)
    run.save()
