"""What requests ask of users, in SQL that is written once."""

from datetime import datetime
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from accounts.models import User
from common.prepared import prepared


@prepared
def users_by_key(key: UUID) -> QuerySet[User]:
    """The user with this key, if there is one."""
    return User.objects.filter(pk=key)


@prepared
def sessions_by_key(key: str, now: datetime) -> QuerySet[Session]:
    """The session of a browser with this key, unless it is over by now."""
    return Session.objects.filter(session_key=key, expire_date__gt=now)
