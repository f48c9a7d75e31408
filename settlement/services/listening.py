"""What LiveKit tells is stored, counted as attendance, and held against what was settled by it."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from common.errors import Unavailable
from common.locks import Rank, take
from common.transactions import operation
from courses.models import CourseSession
from enrollments.services.admission import look_at
from payments.models import HoldPart
from rooms.attendance import attendance_in
from rooms.livekit import Connection, RoomEvent
from rooms.models import WebhookEvent
from rooms.services import events
from settlement.verdicts import doubt_about

logger = logging.getLogger(__name__)


def take_event(event: RoomEvent, body: str) -> None:
    """Store an event that LiveKit signed, and work it in unless somebody is at its session now.

    Before that, the person whom it names is let into the room, or put out where they may not be
    there. Once stored it is not lost: whatever keeps it from being processed, `settle_sessions`
    does it. A repeat changes nothing.
    """
    look_at(event)
    stored = events.store_event(event, body)
    try:
        process_event(stored)
    except Unavailable:
        logger.warning("event %s waits for settle_sessions", event.id, exc_info=True)


def process_event(key: UUID) -> bool:
    """Work a stored event into attendance; gives False where somebody else is at its session.

    A repeat changes nothing. What says otherwise than attendance did when money was settled by it
    is noted on the part, for staff; the money stays where it is. Two transactions: one locks the
    session and the event; the other, for late events alone, the parts that pay for the session.
    """
    heard = events.work_in(key)
    if heard is None:
        return False
    if heard.came_late:
        _note_doubts(heard.session_id, event=key)
    return True


def record_answer(
    session_id: UUID, people: Sequence[Connection], *, room_sid: str, at: datetime
) -> int:
    """Note whom LiveKit named when it was asked `at` a time who is in a session's room.

    Without such a room it has no `room_sid`: that is an answer too. Gives how many of ours were
    active; none in a session that is deleted by now. A repeat changes nothing. Locks the session;
    afterwards, where money may be settled already, the parts that pay for it, to note on them what
    it speaks against.
    """
    seen, came_late = events.record_answer(session_id, people, room_sid=room_sid, at=at)
    if came_late:
        _note_doubts(session_id)
    return seen


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
        take(Rank.PART, *keys)
        # By their keys: an index that knows their status is locked by what settles them.
        list(parts.order_by("pk").locked().values_list("pk"))
        attended = attendance_in([session])
        for part in parts.select_related("hold"):
            if doubt := doubt_about(part, attended):
                HoldPart.objects.filter(pk=part.pk).update(review_reason=doubt)
    if event:
        take(Rank.EVENT, event)
        WebhookEvent.objects.filter(pk=event).update(processed_at=timezone.now())
