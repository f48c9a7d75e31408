"""LiveKit's events: stored once as they come, and then worked into attendance, now or later."""

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from common.errors import Unavailable
from common.transactions import operation
from courses.models import CourseSession
from enrollments import livekit
from enrollments.livekit import LONGEST_ID, RoomEvent
from enrollments.models import Attendance, WebhookEvent
from enrollments.services import attendance
from enrollments.services.attendance import Presence, attendance_in
from payments.models import HoldPart

logger = logging.getLogger(__name__)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

ROOM_STARTED = "room_started"
JOINED = "participant_joined"
LEFT = {"participant_left", "participant_connection_aborted"}
KNOWN = {ROOM_STARTED, attendance.ROOM_FINISHED, JOINED, *LEFT}
LONGEST_ROOM = 255
# Settled by what attendance was known then.
_BY_ATTENDANCE = {
    HoldPart.Reason.ATTENDED,
    HoldPart.Reason.MISSED,
    HoldPart.Reason.TEACHER_ABSENT,
}


def take_event(event: RoomEvent, body: str) -> None:
    """Store an event that LiveKit signed, and work it in unless somebody is at its session now.

    Once stored it is not lost: whatever keeps it from being worked in, `settle_sessions` does it.
    A repeat changes nothing.
    """
    stored = store_event(event, body)
    try:
        process_event(stored)
    except Unavailable:
        logger.warning("event %s waits for settle_sessions", event.id, exc_info=True)


@operation
def store_event(event: RoomEvent, body: str) -> UUID:
    """Store an event once, by its id; gives the key of its row."""
    session = CourseSession.objects.filter(room_name=event.room_name).first()
    now = timezone.now()
    row, _ = WebhookEvent.objects.get_or_create(
        event_id=event.id,
        defaults={
            "kind": event.kind,
            "room_name": event.room_name[:LONGEST_ROOM],
            "room_sid": event.room_sid,
            "session": session,
            "occurred_at": event.occurred_at or now,
            "received_at": now,
            "body": body,
        },
    )
    return row.pk


@operation
def process_event(key: UUID) -> bool:
    """Work a stored event into attendance; gives False where somebody else is at its session.

    A repeat changes nothing. What changes attendance on which money was settled is noted on the
    part, for staff; the money stays where it is. Locks the session, the event, then, once the
    session is over, the parts that pay for it.
    """
    session_id = WebhookEvent.objects.values_list("session", flat=True).get(pk=key)
    session = CourseSession.objects.filter(pk=session_id).claimed().first()
    if session is None and session_id is not None:
        return False
    row = WebhookEvent.objects.filter(pk=key, processed_at=None).claimed().first()
    if row is not None:
        row.note, row.processed_at = _work_in(row, session), timezone.now()
        row.save(update_fields=["note", "processed_at"])
    return True


def waiting_events() -> list[UUID]:
    """Events that are stored and not worked in, in the order in which they came."""
    waiting = WebhookEvent.objects.filter(processed_at=None).order_by("received_at", "pk")
    return list(waiting.values_list("pk", flat=True))


@operation
def record_seen(
    session_id: UUID, room_sid: str, connections: Collection[livekit.Connection]
) -> int:
    """Note who is connected to a session's room now, as LiveKit says; gives how many are ours.

    A repeat changes nothing. Locks the session.
    """
    session = CourseSession.objects.locked().get(pk=session_id)
    now = timezone.now()
    people = _users({connection.identity for connection in connections})
    known = [c for c in connections if c.identity in people]
    for connection in known:
        user = people[connection.identity]
        attendance.record_joined(
            session, user, connection, room_sid=room_sid, at=now, source=Attendance.Source.POLL
        )
    _go_live(session, now)
    return len(known)


def _work_in(row: WebhookEvent, session: CourseSession | None) -> str:
    """What an event changes; gives what came of it, in words."""
    if session is None:
        return "ignored: not a room of ours"
    if row.kind not in KNOWN:
        return "ignored: of no interest"
    _go_live(session, row.occurred_at)
    if row.kind == attendance.ROOM_FINISHED:
        with _noting_lateness(session):
            attendance.record_finished(session, room_sid=row.room_sid, at=row.occurred_at)
    elif row.kind != ROOM_STARTED:
        return _connect(row, session)
    return "done"


def _connect(row: WebhookEvent, session: CourseSession) -> str:
    """Somebody came or went."""
    connection = livekit.read(row.body).connection
    user = _users({connection.identity}).get(connection.identity) if connection else None
    if connection is None or user is None or not 0 < len(connection.sid) <= LONGEST_ID:
        return "ignored: nobody of ours"
    with _noting_lateness(session, user):
        if row.kind == JOINED:
            attendance.record_joined(
                session, user, connection, room_sid=row.room_sid, at=row.occurred_at
            )
        else:
            attendance.record_left(
                session, user, connection, room_sid=row.room_sid, at=row.occurred_at
            )
    return "done"


def _users(identities: Collection[str]) -> dict[str, User]:
    """The users of these identities: a recorder or an agent in a room is none."""
    keys = [identity for identity in identities if _UUID.fullmatch(identity)]
    return {str(user.pk): user for user in User.objects.filter(pk__in=keys)}


def _go_live(session: CourseSession, at: datetime) -> None:
    if session.status == CourseSession.Status.SCHEDULED and (
        session.opens_at <= at < session.ends_at
    ):
        session.status = CourseSession.Status.LIVE
        session.save(update_fields=["status", "updated_at"])


@contextmanager
def _noting_lateness(session: CourseSession, *who: User) -> Iterator[None]:
    """Once a session is over, note on its settled parts what changes of `who` was there.

    The parts are locked: a settlement that has them has read what was known before, and is
    waited for; one that comes later reads what is written here.
    """
    if timezone.now() < session.ends_at:
        yield
        return
    users = [user.pk for user in who] or None
    before = attendance_in([session], users)
    yield
    after = attendance_in([session], users)
    for _, user in sorted(before.keys() | after.keys()):
        _note_late(session, user, before.of(session, user), after.of(session, user))


def _note_late(session: CourseSession, user: UUID, before: Presence, after: Presence) -> None:
    if before == after:
        return
    parts = HoldPart.objects.filter(session=session)
    known = f"was there {after.minutes} minutes, by events that came after the decision."
    _review(parts.filter(hold__student=user), f"The student {known}")
    if before.suffices != after.suffices:
        _review(parts.filter(hold__teacher=user), f"The teacher {known}")


def _review(parts: QuerySet, reason: str) -> None:
    keys = list(parts.values_list("pk", flat=True))
    locked = list(HoldPart.objects.filter(pk__in=keys).order_by("pk").locked())
    decided = [part.pk for part in locked if part.reason in _BY_ATTENDANCE or part.review_reason]
    HoldPart.objects.filter(pk__in=decided).update(review_reason=reason)
