"""What settlement reads of rooms, as SQL that is written once."""

from dataclasses import fields
from uuid import UUID

from django.db.models import Case, DateTimeField, F, Q, QuerySet, Value, When

from common.prepared import prepared
from rooms.models import Attendance, RoomDeed, RoomWatch
from rooms.presence import Stay, Watch

_STAY = [field.name for field in fields(Stay)]
_WATCH = [field.name for field in fields(Watch)]
_no, _never = Value(False), Value(None, DateTimeField(null=True))


@prepared
def stays_in(sessions: list[UUID]) -> QuerySet[Attendance, tuple]:
    """Session, user and the fields of `Stay`, for each stay in these sessions' rooms."""
    return _stays(sessions)


@prepared
def stays_of(sessions: list[UUID], users: list[UUID]) -> QuerySet[Attendance, tuple]:
    """The same, for these users only."""
    return _stays(sessions, user__in=users)


@prepared
def watches_in(sessions: list[UUID]) -> QuerySet[RoomWatch, tuple]:
    """Session and the fields of `Watch`, for each watched time of these sessions' rooms."""
    watches = RoomWatch.objects.filter(session__in=sessions)
    return watches.values_list("session_id", *_WATCH)


@prepared
def standing_deeds(session: UUID) -> QuerySet[RoomDeed, tuple]:
    """Kind, user and time of each deed in a session's room that stands."""
    deeds = RoomDeed.objects.standing().filter(session=session)
    return deeds.values_list("kind", "user_id", "at")


@prepared
def people_here(session: UUID) -> QuerySet[Attendance, tuple]:
    """User and start of each connection to a session's room of which no end is known."""
    here = Attendance.objects.filter(
        session=session, joined_at__isnull=False, left_at=None, gone_at=None
    )
    return here.values_list("user_id", "joined_at")


def _stays(sessions: list[UUID], **of: list[UUID]) -> QuerySet[Attendance, tuple]:
    # A person who was removed need not have been active: the teacher may be quick.
    met = Q(joined_at__isnull=False) | Q(removed=True)
    came = Attendance.objects.filter(met, session__in=sessions, **of).annotate(shut_out=_no)
    columns = ("session_id", "user_id", *_STAY)
    return came.values_list(*columns).union(_barred(sessions, **of).values_list(*columns), all=True)


def _barred(sessions: list[UUID], **of: list[UUID]) -> QuerySet[RoomDeed]:
    """Deeds that kept somebody out, whether they stand or not, as stays that ended with them."""
    kinds = (RoomDeed.Kind.REMOVED, RoomDeed.Kind.KNOCKED)
    return RoomDeed.objects.filter(session__in=sessions, kind__in=kinds, **of).annotate(
        room_sid=Value(""),
        joined_at=_never,
        left_at=F("at"),
        seen_at=F("at"),
        gone_at=_never,
        removed=_is(RoomDeed.Kind.REMOVED),
        shut_out=_is(RoomDeed.Kind.KNOCKED),
    )


def _is(kind: RoomDeed.Kind) -> Case:
    return Case(When(kind=kind, then=Value(True)), default=Value(False))
