"""The register of a session: who came and went when, why connections ended, who was kept out."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from courses.models import CourseSession
from rooms.models import Attendance, RoomDeed

Kind = RoomDeed.Kind
# Why LiveKit says that a connection ended; for anything else, its user left.
BROKE_OFF = "connection lost"
_ENDINGS = {
    "PARTICIPANT_REMOVED": "removed from the room",
    "DUPLICATE_IDENTITY": "joined again elsewhere",
    "ROOM_DELETED": "room closed",
    "ROOM_CLOSED": "room closed",
    **dict.fromkeys(
        (
            "SERVER_SHUTDOWN",
            "STATE_MISMATCH",
            "JOIN_FAILURE",
            "SIGNAL_CLOSE",
            "CONNECTION_TIMEOUT",
            "MEDIA_FAILURE",
        ),
        BROKE_OFF,
    ),
}
_DEEDS = {
    Kind.REMOVED: ("Removed by the teacher", "let in again"),
    Kind.KNOCKED: ("Came after the session had been ended early", ""),
}


@dataclass(frozen=True)
class Entry:
    """One line of a register: `since` when, `until` when if that is known, and what `happened`."""

    since: datetime
    until: datetime | None
    happened: str


def register_of(session: CourseSession, users: Collection[UUID]) -> dict[UUID, list[Entry]]:
    """What is known of each of these users in a session's room, oldest first; two statements."""
    found: defaultdict[UUID, list[Entry]] = defaultdict(list)
    for stay in Attendance.objects.filter(session=session, user__in=users, joined_at__isnull=False):
        assert stay.joined_at
        until = stay.left_at or stay.gone_at
        found[stay.user_id].append(Entry(stay.joined_at, until, _ending_of(stay)))
    kept_out = RoomDeed.objects.filter(session=session, user__in=users, kind__in=_DEEDS)
    for deed in kept_out:
        assert deed.user_id
        happened, undone = _DEEDS[Kind(deed.kind)]
        told = f"{happened}; {undone}" if deed.undone_at else happened
        found[deed.user_id].append(Entry(deed.at, deed.undone_at, told))
    return {user: sorted(entries, key=_when) for user, entries in found.items()}


def _ending_of(stay: Attendance) -> str:
    if stay.left_at is None:
        return BROKE_OFF if stay.gone_at else ""
    return "removed from the room" if stay.removed else _ENDINGS.get(stay.disconnect_reason, "left")


def _when(entry: Entry) -> datetime:
    return entry.since
