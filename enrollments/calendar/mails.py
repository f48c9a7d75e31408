"""What mails bring for a reader's calendar; nothing where it fetches the feed, which has it too.

Made when a mail is sent, of how things stand by then: an older mail that comes late must not put an
older time into a calendar.
"""

from uuid import UUID

from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from enrollments.calendar import files
from enrollments.calendar.events import event_of, events_of_enrollment
from enrollments.calendar.feeds import follows_feed
from notices.kinds import CalendarPart


def session_part(reader: User, session_id: UUID | None) -> CalendarPart | None:
    """For a mail about one session: a calendar puts it in, moves it, or takes it out.

    It is a REQUEST where the reader has booked or teaches the session, a CANCEL where they have
    left it, or it was called off. None where they never had it, and where the mail is about none.
    Three statements.
    """
    now = timezone.now()
    if session_id is None or follows_feed(reader.pk, now):
        return None
    try:
        event = event_of(reader, session_id)
    except NotFound:
        return None
    method = "CANCEL" if event.is_off else "REQUEST"
    return CalendarPart(files.invitation(method, event, reader, now), method)


def course_part(reader: User, enrollment_id: UUID) -> CalendarPart | None:
    """For a mail about a course that was bought: a file with all that the reader has of it.

    Many mail programs take the first of several sessions alone, so the mail names the page with the
    feed (`enrollments:calendar`) before. None where nothing of it is theirs any more. Three
    statements.
    """
    now = timezone.now()
    if follows_feed(reader.pk, now):
        return None
    try:
        events = events_of_enrollment(reader, enrollment_id)
    except NotFound:
        return None
    return CalendarPart(files.publication(events, now), "PUBLISH", "sessions.ics")
