"""The pass into a session's room, for those who have access to it."""

from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import User
from courses.models import CourseSession
from enrollments.access import Access, AccessReason
from rooms.livekit import Join, is_configured, pass_into


def may_join(access: Access, *, now: datetime) -> bool:
    """Whether a pass can be had now: with access, an open room, and video set up."""
    is_open = access.opens_at <= now < access.closes_at
    return is_configured() and access.has_access and is_open


def join_of(session: CourseSession, user: User, access: Access, *, now: datetime) -> Join | None:
    """A pass to the session's room that works for some minutes; the teacher's can run the room.

    None if `may_join` says no.
    """
    if not may_join(access, now=now):
        return None
    return pass_into(
        session.room_name,
        user,
        runs_it=access.reason == AccessReason.TEACHER,
        lives=min(session.ends_at - now, timedelta(minutes=settings.JOIN_PASS_MINUTES)),
    )
