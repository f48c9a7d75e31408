"""Mails that say something to calendars: what brings them about, and what they bring."""

from email import message_from_bytes, policy

import icalendar

from calendars.mails import session_parts
from enrollments.services.sessions import move_session
from enrollments.services.timetable import move_sessions
from notices.models import Notice
from notices.sending import send_due
from tests.factories import DAY
from tests.telling import letter_of, told


def read(part):
    """The method that the part names, in its content too, and its events."""
    calendar = icalendar.Calendar.from_ical(part.content)
    assert calendar["method"] == part.method
    return part.method, calendar.events


def numbered(reader, session):
    """Method, number and status of what a mail about a session brings."""
    method, [event] = read(*session_parts(reader, session.pk))
    assert str(event["uid"]) == str(session.pk)
    return method, event["sequence"], event["status"]


def move(session, actor=None):
    session.refresh_from_db()
    move_session(
        session_id=session.pk,
        actor=actor or session.course.teacher,
        starts_at=session.starts_at + DAY,
        duration_minutes=60,
    )


def move_all(course):
    starts = {one.pk: one.starts_at + DAY for one in course.sessions.all()}
    move_sessions(course_id=course.pk, actor=course.teacher, starts=starts)


def brought(reader, kind, **which):
    """The method of what the mail of this kind brings; nothing where it brings none."""
    parts = letter_of(told(reader, kind, **which)).calendar
    return ", ".join(read(part)[0] for part in parts)


def send_to(reader, outbox):
    """The mails that go to a reader now."""
    outbox.clear()
    list(send_due())
    assert not Notice.objects.filter(mail__in=["waiting", "set_aside"]).exists()
    return [mail for mail in outbox if mail.to == [reader.email]]


def calendar_of(mail):
    parts = message_from_bytes(mail.message().as_bytes(), policy=policy.default).walk()
    return [part.get_content() for part in parts if part.get_content_type() == "text/calendar"]


def said_by(mail):
    """Method and number of the one session in a mail; None where it brings nothing."""
    texts = calendar_of(mail)
    if not texts:
        return None
    [text] = texts
    calendar = icalendar.Calendar.from_ical(text)
    return str(calendar["method"]), calendar.events[0]["sequence"]
