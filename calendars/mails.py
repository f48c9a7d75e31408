"""What emails contain for a reader's calendar; nothing new if it fetches the feed, which has it.

Made when an email is sent, from how things stand then: an older email that arrives late must not
put an outdated time into a calendar. What emails have put into it they also change and remove,
whatever the feed has: an entry of one's own never follows a feed.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID

from django.db.models import Case, F, When
from django.utils import timezone

from accounts.models import User
from calendars import files
from calendars.events import (
    Event,
    event_of,
    event_of_taught,
    events_of_course,
    events_of_enrollment,
    left_of_enrollment,
)
from calendars.feeds import follows_feed
from common.errors import NotFound
from courses.models import CourseSession
from notices.kinds import CalendarPart
from notices.models import Notice

Parts = tuple[CalendarPart, ...]

REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"


def session_parts(reader: User, session_id: UUID | None) -> Parts:
    """For an email about one session: a calendar adds, moves or removes it.

    It is a REQUEST if the reader has booked or teaches the session, a CANCEL if they have left it
    or it was called off. Nothing if it is over, if they never had it, or if the email isn't about a
    session; nor for a reader who fetches the feed, unless emails have put it into their calendar.
    At most four statements.
    """
    now = timezone.now()
    event = _event_of(reader, session_id)
    if event is None or (event.ends_at <= now and not event.is_off):
        return ()
    if follows_feed(reader.pk, now) and not _kept_by_mail(reader, [event]):
        return ()
    return (_invitation(event, reader),)


def changed_parts(reader: User, session_id: UUID | None) -> Parts:
    """The same only for what emails have put into the reader's calendar; two statements more."""
    event = _event_of(reader, session_id)
    return session_parts(reader, session_id) if event and _kept_by_mail(reader, [event]) else ()


def deleted_parts(reader: User, session: CourseSession) -> Parts:
    """For an email about a session that its teacher had, and that was deleted, as it was: a CANCEL.

    Nothing unless emails have put it into the reader's calendar; one statement.
    """
    event = event_of_taught(session)
    return (_invitation(event, reader),) if _kept_by_mail(reader, [event]) else ()


def left_parts(reader: User, enrollment_id: UUID | None) -> Parts:
    """For an email about a booking: a CANCEL for each of its sessions that the reader has left.

    A calendar takes one session a message, so several are a file each. Only those to which an email
    about them alone invited: a file of a course was imported by hand, or was not. Nothing for what
    is over. Three statements.
    """
    now = timezone.now()
    left = left_of_enrollment(reader, enrollment_id) if enrollment_id else []
    kept = _kept_by_mail(reader, left, by=(REQUEST,))
    parts = [_invitation(one, reader) for one in left if one.uid in kept and one.ends_at > now]
    if len(parts) < 2:
        return tuple(parts)
    return tuple(replace(part, file_name=f"cancelled-{n}.ics") for n, part in enumerate(parts, 1))


def course_parts(reader: User, enrollment_id: UUID) -> Parts:
    """For an email about a course that was bought: a file with all sessions that the reader has.

    Many mail programs import only the first of several sessions, so the email mentions the page
    with the feed (`calendars:calendar`) first. Nothing if they no longer have any of them. Three
    statements.
    """
    events = _found(lambda: events_of_enrollment(reader, enrollment_id))
    return () if follows_feed(reader.pk, timezone.now()) else _file(events)


def sessions_parts(reader: User, course_id: UUID | None) -> Parts:
    """The same for an email about several sessions of a course, however they were booked.

    A reader who fetches the feed gets those that emails have put into their calendar.
    """
    if course_id is None:
        return ()
    events = _found(lambda: events_of_course(reader, course_id))
    if follows_feed(reader.pk, timezone.now()):
        kept = _kept_by_mail(reader, events)
        events = [event for event in events if event.uid in kept]
    return _file(events)


def _found(find: Callable[[], list[Event]]) -> list[Event]:
    try:
        return find()
    except NotFound:
        return []


def _file(events: Collection[Event]) -> Parts:
    if not events:
        return ()
    uids = tuple(event.uid for event in events)
    content = files.publication(events, timezone.now())
    return (CalendarPart(content, PUBLISH, uids, "sessions.ics"),)


def _event_of(reader: User, session_id: UUID | None) -> Event | None:
    if session_id is None:
        return None
    try:
        return event_of(reader, session_id)
    except NotFound:
        return None


def _invitation(event: Event, reader: User) -> CalendarPart:
    method = CANCEL if event.is_off else REQUEST
    content = files.invitation(method, event, reader, timezone.now())
    return CalendarPart(content, method, (event.uid,))


def _kept_by_mail(
    reader: User, events: Collection[Event], by: Collection[str] = (REQUEST, PUBLISH)
) -> set[str]:
    """The UIDs of those of these events that emails have put in and not taken out; one statement.

    As far back as notices are kept.
    """
    if not events:
        return set()
    uids = [event.uid for event in events]
    mailed = Notice.objects.filter(reader=reader, calendar__has_any_keys=uids)
    # One that staff send again counts by its age, unless it is sent: what it said then still holds.
    said_at = Case(When(mail=Notice.Mail.SENT, then=F("mailed_at")), default=F("created_at"))
    said: dict[str, str] = {}
    for methods in mailed.order_by(said_at, "pk").values_list("calendar", flat=True):
        for uid, method in (methods or {}).items():
            # A file changes what an invitation has put in, which stays an invitation.
            if (said.get(uid), method) != (REQUEST, PUBLISH):
                said[uid] = method
    return {uid for uid in uids if said.get(uid) in by}
