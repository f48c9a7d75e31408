"""LiveKit's events: stored once as they come, and then worked into attendance, now or later."""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from common.errors import Unavailable
from common.transactions import operation
from courses.models import CourseSession
from enrollments import livekit
from enrollments.livekit import LONGEST_ID, RoomEvent
from enrollments.models import Attendance, WebhookEvent
from enrollments.services import attendance, doors
from enrollments.services.attendance import BY_ATTENDANCE, Attended, attendance_in, outcome_of
from payments.models import HoldPart

logger = logging.getLogger(__name__)

ROOM_STARTED = "room_started"
JOINED = "participant_joined"
LEFT = {"participant_left", "participant_connection_aborted"}
KNOWN = {ROOM_STARTED, attendance.ROOM_FINISHED, JOINED, *LEFT}
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
            "occurred_at": event.occurred_at or now,
            "received_at": now,
            "body": body,
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
        _note_doubts(key)
    return came_late is not None


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
    people = doors.users_among({connection.identity for connection in connections})
    known = [c for c in connections if c.identity in people]
    for connection in known:
        user = people[connection.identity]
        attendance.record_joined(
            session, user, connection, room_sid=room_sid, at=now, source=Attendance.Source.POLL
        )
    _go_live(session, now)
    return len(known)


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
    if row.kind not in KNOWN:
        return "ignored: of no interest"
    _go_live(session, row.occurred_at)
    if row.kind == attendance.ROOM_FINISHED:
        attendance.record_finished(session, room_sid=row.room_sid, at=row.occurred_at)
    elif row.kind != ROOM_STARTED:
        return _connect(row, session)
    return "done"


def _connect(row: WebhookEvent, session: CourseSession) -> str:
    """Somebody came or went."""
    connection = livekit.read(row.body).connection
    users = doors.users_among({connection.identity}) if connection else {}
    if not (connection and users and 0 < len(connection.sid) <= LONGEST_ID):
        return "ignored: nobody of ours"
    user = users[connection.identity]
    record = attendance.record_joined if row.kind == JOINED else attendance.record_left
    record(session, user, connection, room_sid=row.room_sid, at=row.occurred_at)
    if row.kind == JOINED:
        doors.check_joiner(session, user, at=row.occurred_at)
    return "done"


def _go_live(session: CourseSession, at: datetime) -> None:
    if session.status == CourseSession.Status.SCHEDULED and (
        session.opens_at <= at < session.ends_at
    ):
        session.status = CourseSession.Status.LIVE
        session.save(update_fields=["status", "updated_at"])


@operation
def _note_doubts(key: UUID) -> None:
    """Compare what was settled with what a late event says; until then it counts as waiting.

    Settlement looks for waiting events once it has its parts locked: either it sees this one, or
    its parts are waited for here.
    """
    row = WebhookEvent.objects.select_related("session").get(pk=key)
    if session := row.session:
        locked = HoldPart.objects.filter(session=session).order_by("pk").locked()
        parts = HoldPart.objects.filter(pk__in=[part.pk for part in locked])
        attended = attendance_in([session])
        for part in parts.select_related("hold"):
            if doubt := _doubt(part, attended):
                HoldPart.objects.filter(pk=part.pk).update(review_reason=doubt)
    WebhookEvent.objects.filter(pk=key).update(processed_at=timezone.now())


def _doubt(part: HoldPart, attended: Attended) -> str:
    """What speaks against how a part was settled, or for a decision on one under review."""
    teacher = attended.of(part, part.hold.teacher_id)
    student = attended.of(part, part.hold.student_id)
    decided = part.reason in BY_ATTENDANCE and part.reason != outcome_of(teacher, student)
    waits = part.status == HoldPart.Status.PENDING and part.review_reason
    if not (decided or waits):
        return ""
    return (
        f"By late events the teacher was there {teacher.minutes} minutes, "
        f"the student {student.minutes}."
    )
