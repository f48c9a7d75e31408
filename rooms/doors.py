"""When a session's room is shut, what its teacher has ordered there, and who in it is a user."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.models import User
from courses.models import CourseSession
from rooms import queries
from rooms.models import RoomDeed

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def users_among(identities: Collection[str]) -> dict[str, User]:
    """The users with these identities; a recorder or an agent in a room isn't one."""
    keys = [identity for identity in identities if _UUID.fullmatch(identity)]
    return {str(user.pk): user for user in User.objects.filter(pk__in=keys)} if keys else {}


def closes_at(session: CourseSession) -> datetime:
    """When a session's room is closed, even if people are still in it."""
    return session.ends_at + timedelta(minutes=settings.ROOM_CLOSES_MINUTES)


@dataclass(frozen=True)
class Orders:
    """What the teacher has ordered in a room, as far as it stands.

    Whom to keep out, who may share the screen, and since when the session is over for all.
    """

    removed: frozenset[UUID]
    sharing: frozenset[UUID]
    ended_at: datetime | None

    @classmethod
    def of(cls, session: CourseSession) -> "Orders":
        """Those in a session's room; one statement."""
        deeds = queries.standing_deeds(session.pk)

        def about(kind: RoomDeed.Kind) -> frozenset[UUID]:
            return frozenset(user for of, user, _ in deeds if of == kind)

        ended = (at for kind, _, at in deeds if kind == RoomDeed.Kind.ENDED)
        return cls(about(RoomDeed.Kind.REMOVED), about(RoomDeed.Kind.SHARING), next(ended, None))


def is_shut(session: CourseSession, now: datetime) -> bool:
    """Whether nobody at all may be in a session's room; asks what its teacher ordered."""
    called_off = session.status == CourseSession.Status.CANCELLED
    if called_off or not session.opens_at <= now < closes_at(session):
        return True
    return Orders.of(session).ended_at is not None
