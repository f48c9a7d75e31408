"""LiveKit events: stored once as they come, and then processed into attendance, now or later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from common.locks import Rank, take
from common.transactions import operation
from courses.locks import claim_session, lock_session
from courses.models import CourseSession
from rooms import livekit
from rooms.doors import users_among
from rooms.livekit import LONGEST_ID, Connection, RoomEvent
from rooms.models import WebhookEvent
from rooms.presence import ROOM_FINISHED, ROOM_STARTED
from rooms.services import signs
from rooms.services.signs import ABORTED, JOINED, LEFT

KNOWN = {ROOM_STARTED, ROOM_FINISHED, JOINED, LEFT, ABORTED}
LONGEST_ROOM = 255
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Heard:
    """What an event said about a session, if about one of ours.

    One that `came_late` waits, unprocessed, until it is compared with what was decided without it.
    """

    session_id: UUID | None
    came_late: bool


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
            "occurred_at": event.occurred_at,
            "received_at": now,
            "body": livekit.without_secrets(body),
        },
    )
    return row.pk


def waiting_events() -> list[UUID]:
    """Events that are stored but unprocessed, in the order in which they came."""
    waiting = WebhookEvent.objects.filter(processed_at=None).order_by("received_at", "pk")
    return list(waiting.values_list("pk", flat=True))


@operation
def work_in(key: UUID) -> Heard | None:
    """Process a stored event into attendance; None if something else has it or its session.

    A repeat changes nothing. Locks the session and the event.
    """
    session_id = WebhookEvent.objects.values_list("session", flat=True).get(pk=key)
    session = claim_session(session_id) if session_id else None
    if session is None and session_id is not None:
        return None
    take(Rank.EVENT, key)
    row = WebhookEvent.objects.filter(pk=key).claimed().first()
    if row is None:
        return None
    if row.processed_at is not None:
        return Heard(session_id, came_late=False)
    row.note = _change_attendance(row, session)
    came_late = session is not None and _may_be_decided(session)
    row.processed_at = None if came_late else timezone.now()
    row.save(update_fields=["note", "processed_at"])
    return Heard(session_id, came_late)


@operation
def record_answer(
    session_id: UUID, people: Sequence[Connection], *, room_sid: str, at: datetime
) -> tuple[int, bool]:
    """Record whom LiveKit listed when it was asked `at` a time who is in a session's room.

    If there is no such room, `room_sid` is empty: that is an answer too. Gives how many of our
    users were active (none in a session that has been deleted), and whether it `came_late`, as an
    event can. A repeat changes nothing. Locks the session.
    """
    session = lock_session(session_id)
    if session is None:
        return 0, False
    active = [somebody for somebody in people if somebody.active]
    users = users_among({somebody.identity for somebody in active})
    seen = {c: users[c.identity] for c in active if c.identity in users}
    signs.record_poll(session, seen, room_sid, at)
    if room_sid:
        _go_live(session, at)
    return len(seen), _may_be_decided(session)


def _may_be_decided(session: CourseSession) -> bool:
    """Whether a process whose clock is ahead may have decided by what was known until now."""
    return timezone.now() >= session.settles_at - CLOCKS_DIFFER


def _change_attendance(row: WebhookEvent, session: CourseSession | None) -> str:
    """What an event changes; gives a note of it in words."""
    if session is None:
        return "ignored: not a room of ours"
    if row.occurred_at is None:
        return "ignored: it does not say when"
    event = livekit.read(row.body)
    if row.room_sid:
        signs.record_event(
            session, row.kind, row.room_sid, row.occurred_at, num_dropped=event.num_dropped
        )
    if row.kind in KNOWN:
        _go_live(session, row.occurred_at)
    connection = event.connection
    if connection is None:
        return "done"
    user = users_among({connection.identity}).get(connection.identity)
    if user is None or not 0 < len(connection.sid) <= LONGEST_ID:
        return "ignored: nobody of ours"
    signs.record_sign(
        session, user, connection, kind=row.kind, room_sid=row.room_sid, at=row.occurred_at
    )
    return "done"


def _go_live(session: CourseSession, at: datetime) -> None:
    if session.status == CourseSession.Status.SCHEDULED and (
        session.opens_at <= at < session.ends_at
    ):
        session.status = CourseSession.Status.LIVE
        session.save(update_fields=["status", "updated_at"])
