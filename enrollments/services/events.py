"""LiveKit's events: stored once as they come, and then worked into attendance, now or later."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from common.errors import Unavailable
from common.transactions import operation
from courses.models import CourseSession
from enrollments import livekit
from enrollments.livekit import LONGEST_ID, Connection, RoomEvent
from enrollments.models import WebhookEvent
from enrollments.presence import ROOM_FINISHED, ROOM_STARTED
from enrollments.services import doors, signs
from enrollments.services.attendance import BY_ATTENDANCE, Attended, attendance_in, outcome_of
from enrollments.services.signs import ABORTED, JOINED, LEFT
from payments.models import HoldPart

logger = logging.getLogger(__name__)

KNOWN = {ROOM_STARTED, ROOM_FINISHED, JOINED, LEFT, ABORTED}
LONGEST_ROOM = 255
CLOCKS_DIFFER = timedelta(minutes=5)


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
            "occurred_at": event.occurred_at,
            "received_at": now,
            "body": livekit.without_secrets(body),
        },
    )
    return row.pk


def process_event(key: UUID) -> bool:
    """Work a stored event into attendance; gives False where somebody else is at its session.

    A repeat changes nothing. What says otherwise than attendance did when money was settled by it
    is noted on the part, for staff; the money stays where it is. Two transactions: one locks the
    session and the event; the other, for late events alone, the parts that pay for the session.
    """
    came_late = _work_in(key)
    if came_late:
        row = WebhookEvent.objects.get(pk=key)
        _note_doubts(row.session_id, event=key)
    return came_late is not None


def waiting_events() -> list[UUID]:
    """Events that are stored and not worked in, in the order in which they came."""
    waiting = WebhookEvent.objects.filter(processed_at=None).order_by("received_at", "pk")
    return list(waiting.values_list("pk", flat=True))


def record_answer(
    session_id: UUID, people: Sequence[Connection], *, room_sid: str, at: datetime
) -> int:
    """Note whom LiveKit named when it was asked `at` a time who is in a session's room.

    Without such a room it has no `room_sid`: that is an answer too. Gives how many of ours were
    active; none in a session that is deleted by now. A repeat changes nothing. Locks the session;
    afterwards, where money may be settled already, the parts that pay for it, to note on them what
    it speaks against.
    """
    seen, came_late = _record_answer(session_id, people, room_sid, at)
    if came_late:
        _note_doubts(session_id)
    return seen


@operation
def _record_answer(
    session_id: UUID, people: Sequence[Connection], room_sid: str, at: datetime
) -> tuple[int, bool]:
    session = CourseSession.objects.locked().filter(pk=session_id).first()
    if session is None:
        return 0, False
    active = [somebody for somebody in people if somebody.active]
    users = doors.users_among({somebody.identity for somebody in active})
    seen = {c: users[c.identity] for c in active if c.identity in users}
    signs.record_poll(session, seen, room_sid, at)
    if room_sid:
        _go_live(session, at)
    return len(seen), _may_be_decided(session)


@operation
def _work_in(key: UUID) -> bool | None:
    """Whether settlement may have gone without this event; None where somebody else is at it."""
    session_id = WebhookEvent.objects.values_list("session", flat=True).get(pk=key)
    session = CourseSession.objects.filter(pk=session_id).claimed().first()
    if session is None and session_id is not None:
        return None
    row = WebhookEvent.objects.filter(pk=key).claimed().first()
    if row is None:
        return None
    if row.processed_at is None:
        row.note = _change_attendance(row, session)
        row.processed_at = None if session and _may_be_decided(session) else timezone.now()
        row.save(update_fields=["note", "processed_at"])
    return row.processed_at is None


def _may_be_decided(session: CourseSession) -> bool:
    """Whether a settlement, on a machine whose clock is ahead, may have gone by what was known."""
    return timezone.now() >= session.settles_at - CLOCKS_DIFFER


def _change_attendance(row: WebhookEvent, session: CourseSession | None) -> str:
    """What an event changes; gives what came of it, in words."""
    if session is None:
        return "ignored: not a room of ours"
    if row.occurred_at is None:
        return "ignored: it does not say when"
    if row.room_sid:
        signs.record_event(session, row.kind, row.room_sid, row.occurred_at)
    if row.kind in KNOWN:
        _go_live(session, row.occurred_at)
    connection = livekit.read(row.body).connection
    if connection is None:
        return "done"
    return _connect(row, session, connection, at=row.occurred_at)


def _connect(
    row: WebhookEvent, session: CourseSession, connection: Connection, *, at: datetime
) -> str:
    """Somebody came or went, or did something there."""
    user = doors.users_among({connection.identity}).get(connection.identity)
    if user is None or not 0 < len(connection.sid) <= LONGEST_ID:
        return "ignored: nobody of ours"
    signs.record_sign(session, user, connection, kind=row.kind, room_sid=row.room_sid, at=at)
    if row.kind == JOINED:
        doors.check_joiner(session, user, at=at)
    return "done"


def _go_live(session: CourseSession, at: datetime) -> None:
    if session.status == CourseSession.Status.SCHEDULED and (
        session.opens_at <= at < session.ends_at
    ):
        session.status = CourseSession.Status.LIVE
        session.save(update_fields=["status", "updated_at"])


@operation
def _note_doubts(session_id: UUID | None, *, event: UUID | None = None) -> None:
    """Compare what was settled with what is known by now.

    An event counts as waiting until then. Settlement looks for those once it has its parts locked:
    either it sees this one, or its parts are waited for here.
    """
    session = session_id and CourseSession.objects.filter(pk=session_id).first()
    if session:
        keys = list(HoldPart.objects.filter(session=session).values_list("pk", flat=True))
        parts = HoldPart.objects.filter(pk__in=keys)
        # By their keys: an index that knows their status is locked by whoever settles them.
        list(parts.order_by("pk").locked().values_list("pk"))
        attended = attendance_in([session])
        for part in parts.select_related("hold"):
            if doubt := _doubt(part, attended):
                HoldPart.objects.filter(pk=part.pk).update(review_reason=doubt)
    if event:
        WebhookEvent.objects.filter(pk=event).update(processed_at=timezone.now())


def _doubt(part: HoldPart, attended: Attended) -> str:
    """What speaks against how a part was settled, or for a decision on one under review."""
    teacher = attended.of(part, part.hold.teacher_id)
    student = attended.of(part, part.hold.student_id)
    now_said = outcome_of(teacher, student)
    decided = part.reason in BY_ATTENDANCE and now_said not in (None, part.reason)
    waits = part.status == HoldPart.Status.PENDING and part.review_reason
    if not (decided or waits):
        return ""
    return f"By late events the teacher was there {teacher} minutes, the student {student}."
