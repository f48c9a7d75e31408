"""When a session's room is shut, and which of the people in it are our users."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import User
from courses.models import CourseSession

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def users_among(identities: Collection[str]) -> dict[str, User]:
    """The users with these identities; a recorder or an agent in a room isn't one."""
    keys = [identity for identity in identities if _UUID.fullmatch(identity)]
    return {str(user.pk): user for user in User.objects.filter(pk__in=keys)} if keys else {}


def closes_at(session: CourseSession) -> datetime:
    """When a session's room is closed, even if people are still in it."""
    return session.ends_at + timedelta(minutes=settings.ROOM_CLOSES_MINUTES)


def is_shut(session: CourseSession, now: datetime) -> bool:
    """Whether nobody at all may be in a session's room."""
    called_off = session.status == CourseSession.Status.CANCELLED
    return called_off or not session.opens_at <= now < closes_at(session)
