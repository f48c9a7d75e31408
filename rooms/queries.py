"""What settlement reads of rooms, as SQL that is written once."""

from dataclasses import fields
from uuid import UUID

from django.db.models import Q, QuerySet

from common.prepared import prepared
from rooms.models import Attendance, RoomWatch
from rooms.presence import Stay, Watch

_STAY = [field.name for field in fields(Stay)]
_WATCH = [field.name for field in fields(Watch)]


@prepared
def stays_in(sessions: list[UUID]) -> QuerySet[Attendance, tuple]:
    """Session, user and the fields of `Stay`, for each stay in these sessions' rooms."""
    return _stays(sessions)


@prepared
def stays_of(sessions: list[UUID], users: list[UUID]) -> QuerySet[Attendance, tuple]:
    """The same, for these users only."""
    return _stays(sessions).filter(user__in=users)


@prepared
def watches_in(sessions: list[UUID]) -> QuerySet[RoomWatch, tuple]:
    """Session and the fields of `Watch`, for each watched time of these sessions' rooms."""
    watches = RoomWatch.objects.filter(session__in=sessions)
    return watches.values_list("session_id", *_WATCH)


def _stays(sessions: list[UUID]) -> QuerySet[Attendance, tuple]:
    # A person who was removed need not have been active: the teacher may be quick.
    met = Q(joined_at__isnull=False) | Q(removed=True)
    came = Attendance.objects.filter(met, session__in=sessions)
    return came.values_list("session_id", "user_id", *_STAY)
