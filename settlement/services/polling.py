"""What LiveKit says of its rooms now: who is there is noted, and the doors are kept."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from courses.models import MAX_SESSION_MINUTES, CourseSession
from enrollments.services.admission import keep_door
from rooms import livekit
from rooms.doors import is_shut
from rooms.livekit import VideoRefused, VideoUnreachable
from settlement.services.listening import record_answer
from settlement.services.sums import Sums

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Count(Sums):
    """Of so many `sessions` whose room may be open: how many are, and how many users are there.

    Rooms that were missing were `made`, and those whose time was over `closed`; users who were
    `put_out` had no right to be there; what `failed` is left to the next pass.
    """

    sessions: int = 0
    open: int = 0
    people: int = 0
    made: int = 0
    put_out: int = 0
    closed: int = 0
    failed: int = 0


def poll_rooms() -> Iterator[Count]:
    """Note who is in each room, put out who may not be there, close what is over, make the rest.

    Gives a count for each session. A repeat notes the same, and finds nobody to put out. Asks
    LiveKit. Raises `VideoNotConfigured`, and `VideoUnreachable`, which leaves the rest undone.
    """
    asked_at, silent = timezone.now(), False
    rooms = livekit.open_rooms()
    for session in _sessions(rooms):
        try:
            with livekit.asked_each_time():
                count = _poll(session, rooms.get(session.room_name), asked_at)
            yield count
            silent = False
        except Exception as error:
            # The other rooms are due all the same. No answer twice in a row: LiveKit is gone.
            logger.exception("the room of %s was not polled", session.pk)
            unanswered = isinstance(error, VideoUnreachable) and not isinstance(error, VideoRefused)
            if silent and unanswered:
                raise
            silent = unanswered
            yield Count(sessions=1, failed=1)


def _sessions(rooms: Iterable[str]) -> list[CourseSession]:
    """Those whose room is open, or may be: by their rooms' names, and by the clock.

    By the clock also some time before and after: else no poll would watch the first and the last
    minute of a session, should its door open with its start or shut with its end.
    """
    now = timezone.now()
    before = max(settings.JOIN_OPENS_MINUTES, settings.POLLS_APART_MINUTES)
    after = max(settings.ROOM_CLOSES_MINUTES, settings.POLLS_APART_MINUTES)
    ended_after = now - timedelta(minutes=after)
    longest = timedelta(minutes=MAX_SESSION_MINUTES)
    by_name = CourseSession.objects.filter(room_name__in=rooms)
    by_clock = CourseSession.objects.filter(
        status__in=CourseSession.OPEN,
        starts_at__range=(ended_after - longest, now + timedelta(minutes=before)),
    )
    found = {session.pk: session for session in (*by_name, *by_clock)}
    return [s for s in found.values() if s.room_name in rooms or s.ends_at > ended_after]


def _poll(session: CourseSession, room_sid: str | None, asked_at: datetime) -> Count:
    if room_sid is None:
        record_answer(session.pk, [], room_sid="", at=asked_at)
        return Count(sessions=1, made=_make(session))
    asked_at = timezone.now()
    people = livekit.people_in(session.room_name)
    seen = record_answer(session.pk, people, room_sid=room_sid, at=asked_at)
    shut = is_shut(session, timezone.now())
    put_out = keep_door(session, people)
    return Count(sessions=1, open=1, people=seen, put_out=put_out, closed=int(shut))


def _make(session: CourseSession) -> int:
    """Make the room of a session that people may enter now: LiveKit may be set not to."""
    now = timezone.now()
    if now >= session.ends_at or is_shut(session, now):
        return 0
    livekit.make_room(session.room_name, empty_for=session.ends_at - now)
    return 1
