"""What emails contain for a reader's calendar; nothing if it fetches the feed, which has it too.

Made when an email is sent, from how things stand then: an older email that arrives late must not
put an outdated time into a calendar.
"""

from collections.abc import Callable
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from calendars import files
from calendars.events import Event, event_of, events_of_course, events_of_enrollment
from calendars.feeds import follows_feed
from common.errors import NotFound
from notices.kinds import CalendarPart


def session_part(reader: User, session_id: UUID | None) -> CalendarPart | None:
    """For an email about one session: a calendar adds, moves or removes it.

    It is a REQUEST if the reader has booked or teaches the session, a CANCEL if they have left it
    or it was called off. None if it is over, if they never had it, or if the email isn't about a
    session. Three statements.
    """
    now = timezone.now()
    if session_id is None or follows_feed(reader.pk, now):
        return None
    try:
        event = event_of(reader, session_id)
    except NotFound:
        return None
    if event.ends_at <= now and not event.is_off:
        return None
    method = "CANCEL" if event.is_off else "REQUEST"
    return CalendarPart(files.invitation(method, event, reader, now), method)


def course_part(reader: User, enrollment_id: UUID) -> CalendarPart | None:
    """For an email about a course that was bought: a file with all sessions that the reader has.

    Many mail programs import only the first of several sessions, so the email mentions the page
    with the feed (`calendars:calendar`) first. None if they no longer have any of them. Three
    statements.
    """
    return _all(reader, lambda: events_of_enrollment(reader, enrollment_id))


def sessions_part(reader: User, course_id: UUID | None) -> CalendarPart | None:
    """The same for an email about several sessions of a course, however they were booked."""
    return _all(reader, lambda: events_of_course(reader, course_id)) if course_id else None


def _all(reader: User, find: Callable[[], list[Event]]) -> CalendarPart | None:
    now = timezone.now()
    if follows_feed(reader.pk, now):
        return None
    try:
        events = find()
    except NotFound:
        return None
    return CalendarPart(files.publication(events, now), "PUBLISH", "sessions.ics")
