"""What LiveKit would report about a session's room, for the demo world and simulate_session."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from accounts.models import User
from courses.models import CourseSession
from rooms.livekit import Connection, RoomEvent

# From when until when a person is there: 0 is the session's start, 1 its end.
Visits = Sequence[tuple[float, float]]


def conversation(
    session: CourseSession, visits: Mapping[User, Visits], *, until: datetime | None = None
) -> list[RoomEvent]:
    """The events of a room in which these people came and went, oldest first.

    Each visit is its own connection. The room exists for at least the whole session, so that
    nothing is unknown. What comes after `until` has not happened yet.
    """
    sid = _name("RM")
    times = [fraction for each in visits.values() for visit in each for fraction in visit]
    told = [_event(session, sid, "room_started", min([0, *times]))]
    for user, each in visits.items():
        for start, end in each:
            told += _visit(session, sid, user, start, end)
    told.append(_event(session, sid, "room_finished", max([1, *times])))
    told.sort(key=_when)
    return [event for event in told if until is None or _when(event) <= until]


def _visit(
    session: CourseSession, sid: str, user: User, start: float, end: float
) -> Iterator[RoomEvent]:
    somebody = Connection(identity=str(user.pk), sid=_name("PA"), joined_at=_at(session, start))
    yield _event(session, sid, "participant_joined", start, somebody)
    yield _event(session, sid, "participant_left", end, somebody)


def _event(
    session: CourseSession, sid: str, kind: str, at: float, somebody: Connection | None = None
) -> RoomEvent:
    return RoomEvent(
        id=_name("EV"),
        kind=kind,
        room_name=session.room_name,
        room_sid=sid,
        occurred_at=_at(session, at),
        connection=somebody,
    )


def _at(session: CourseSession, fraction: float) -> datetime:
    return session.starts_at + fraction * (session.ends_at - session.starts_at)


def _when(event: RoomEvent) -> datetime:
    assert event.occurred_at
    return event.occurred_at


def _name(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(6)}"
