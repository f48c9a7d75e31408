"""What a mail brings for its reader's calendar."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import time_machine
from django.utils import timezone

from calendars.mails import course_parts, session_parts
from calendars.services import note_fetch
from enrollments.services.enrolling import enroll_full_course, hand_back_session
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.reminding import remind_all
from enrollments.services.sessions import cancel_session
from enrollments.services.timetable import NewSession, add_sessions, move_sessions
from notices.kinds import Letter, every_kind
from notices.models import Notice
from notices.rendering import mail_of
from notices.services.outbox import put
from settlement.services.deciding import refund_hold
from tests.calendars.mails import brought, move, numbered, read
from tests.factories import DAY, StaffFactory, end_session, extend_course, student_with_credit
from tests.notices.conftest import make_kind
from tests.telling import letter_of, told

__all__ = ["make_kind"]


pytestmark = pytest.mark.django_db


def test_each_mail_about_a_session_replaces_the_one_before(student, session):
    """A calendar takes what has a higher number: put in, taken out, put in again, moved, off."""
    purchase = purchase_session(student=student, session_id=session.pk)
    assert numbered(student, session) == ("REQUEST", 0, "CONFIRMED")
    cancel_session_purchase(student=student, purchase_id=purchase.pk)
    assert numbered(student, session) == ("CANCEL", 1, "CANCELLED")
    purchase_session(student=student, session_id=session.pk)
    assert numbered(student, session) == ("REQUEST", 2, "CONFIRMED")
    move(session)
    assert numbered(student, session) == ("REQUEST", 3, "CONFIRMED")
    cancel_session(session_id=session.pk, actor=session.course.teacher)
    assert numbered(student, session) == ("CANCEL", 4, "CANCELLED")
    assert numbered(session.course.teacher, session) == ("CANCEL", 2, "CANCELLED")


def test_its_reader_alone_comes_and_is_asked_nothing(student, session, settings):
    settings.DEFAULT_FROM_EMAIL = '"Talk, Platform" <noreply@talk.example.org>'
    purchase_session(student=student, session_id=session.pk)
    purchase_session(student=student_with_credit(), session_id=session.pk)
    sent_at = timezone.now().replace(microsecond=0) + timedelta(hours=2)
    with time_machine.travel(sent_at, tick=False):
        _, [event] = read(*session_parts(student, session.pk))
    assert event["organizer"] == "mailto:noreply@talk.example.org"
    assert event["organizer"].params["cn"] == "Talk, Platform"
    assert event["attendee"] == "mailto:ada@example.com"
    assert {name.lower(): value for name, value in event["attendee"].params.items()} == {
        "cn": "Ada",
        "role": "REQ-PARTICIPANT",
        "partstat": "ACCEPTED",
        "rsvp": "FALSE",
    }
    assert sent_at == event.DTSTAMP


def test_a_mail_that_comes_late_says_what_holds_by_then(student, session):
    """Two mails of two moves bring the same time, whichever is read last."""
    purchase_session(student=student, session_id=session.pk)
    move(session)
    move(session)
    session.refresh_from_db()
    _, [event] = read(*session_parts(student, session.pk))
    assert event.start == session.starts_at.replace(microsecond=0)
    assert event["sequence"] == 2


def test_a_course_brings_all_that_is_left_of_it_as_a_file(student, course, session):
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    [part] = course_parts(student, enrollment.pk)
    method, events = read(part)
    assert (method, len(events), part.file_name) == ("PUBLISH", 3, "sessions.ics")
    assert all("organizer" in event and "attendee" not in event for event in events)
    move(session)
    hand_back_session(student=student, enrollment_id=enrollment.pk, session_id=session.pk)
    assert len(read(*course_parts(student, enrollment.pk))[1]) == 2


def test_whoever_follows_the_feed_is_not_invited(student, course, session):
    """It would stand there twice."""
    now = timezone.now()
    session = extend_course(course, starts_at=now + 30 * DAY)
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    note_fetch(user=student, now=now)
    with time_machine.travel(now + timedelta(days=13)):
        assert session_parts(student, session.pk) == ()
        assert course_parts(student, enrollment.pk) == ()
    with time_machine.travel(now + timedelta(days=15)):
        assert numbered(student, session)[0] == "REQUEST"
        assert read(*course_parts(student, enrollment.pk))[0] == "PUBLISH"


def test_of_what_they_never_had_there_is_nothing(student, course, session):
    enrollment = enroll_full_course(student=student_with_credit(), course_id=course.pk)
    assert session_parts(student, session.pk) == ()
    assert course_parts(student, enrollment.pk) == ()


def test_what_happens_to_a_session_is_mailed_for_the_calendar_too(student, course, session):
    last = course.sessions.last()
    purchase = purchase_session(student=student, session_id=last.pk)
    assert brought(student, "booking_made") == "REQUEST"
    cancel_session_purchase(student=student, purchase_id=purchase.pk)
    assert brought(student, "booking_cancelled") == "CANCEL"
    assert brought(student, "booking_made") == "CANCEL"  # sent as late as that
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    assert brought(student, "booking_made", session_id=None) == "PUBLISH"
    move(session)
    assert brought(student, "session_moved") == "REQUEST"
    hand_back_session(student=student, enrollment_id=enrollment.pk, session_id=session.pk)
    assert brought(student, "booking_cancelled", session_id=session.pk) == "CANCEL"
    cancel_session(session_id=last.pk, actor=course.teacher)
    assert brought(student, "session_called_off") == "CANCEL"
    extend_course(course, starts_at=timezone.now() + 9 * DAY)
    assert brought(student, "session_added") == "REQUEST"
    more = [NewSession("More", timezone.now() + day * DAY, 60) for day in (10, 11)]
    add_sessions(course_id=course.pk, actor=course.teacher, new=more)
    assert brought(student, "sessions_added", session_id=None) == "PUBLISH"
    later = {one.pk: one.starts_at + DAY for one in course.sessions.filter(title="More")}
    move_sessions(course_id=course.pk, actor=course.teacher, starts=later)
    assert brought(student, "sessions_moved", session_id=None) == "PUBLISH"


def test_a_reminder_brings_the_session_as_it_is_known(student, course, session):
    """To those, too, whose mail program took only the first session of the course they bought."""
    enroll_full_course(student=student, course_id=course.pk)
    move(session)
    session.refresh_from_db()
    for ahead, kind in ((DAY, "reminder_day"), (timedelta(hours=1), "reminder_hour")):
        with time_machine.travel(session.starts_at - ahead, tick=False):
            list(remind_all())
            assert brought(student, kind, session_id=session.pk) == "REQUEST"
            assert numbered(student, session) == ("REQUEST", 1, "CONFIRMED")
    with time_machine.travel(session.starts_at - timedelta(hours=1), tick=False):
        assert brought(course.teacher, "teaching_soon", session_id=session.pk) == "REQUEST"


def test_what_staff_refund_before_its_end_is_taken_out(student, course, session):
    """The number grows, and again when they come back: else calendars would ignore it."""
    staff, later = StaffFactory(), course.sessions.last()
    purchase = purchase_session(student=student, session_id=session.pk)
    refund_hold(hold_id=purchase.hold.pk, actor=staff, reason="As a favour")
    assert brought(student, "session_decided") == "CANCEL"
    assert numbered(student, session) == ("CANCEL", 1, "CANCELLED")
    assert brought(course.teacher, "teaching_decided") == "REQUEST"
    purchase_session(student=student, session_id=session.pk)
    assert numbered(student, session) == ("REQUEST", 2, "CONFIRMED")

    enrollment = enroll_full_course(student=student, course_id=course.pk)
    part = enrollment.hold.parts.get(session=later)
    refund_hold(hold_id=enrollment.hold.pk, actor=staff, reason="One of them", part_ids=[part.pk])
    assert brought(student, "session_decided", session_id=later.pk) == "CANCEL"
    assert numbered(student, later) == ("CANCEL", 1, "CANCELLED")
    assert numbered(student, session) == ("REQUEST", 2, "CONFIRMED")


def test_what_staff_decide_about_several_sessions_takes_none_out(student, course):
    """A message can cancel one only: a calendar would take the first of them."""
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    refund_hold(hold_id=enrollment.hold.pk, actor=StaffFactory(), reason="All of it")
    assert brought(student, "session_decided") == ""


def test_what_is_over_brings_nothing(student, course, session):
    """It is in no calendar's future, whatever is decided about its money."""
    purchase = purchase_session(student=student, session_id=session.pk)
    end_session(session)
    assert brought(student, "booking_made") == ""
    refund_hold(hold_id=purchase.hold.pk, actor=StaffFactory(), reason="As a favour")
    assert brought(student, "session_decided") == ""


def test_every_kind_of_mail_about_courses_is_thought_of():
    """One that is new belongs here, and to a test if it brings something."""
    brings = {
        *("sessions_added", "sessions_moved"),
        *("booking_made", "booking_cancelled", "session_added", "session_moved"),
        *("session_called_off", "session_decided", "reminder_day", "reminder_hour"),
        *("enrollment_ended", "sale_made", "sale_cancelled", "teaching_soon"),
        *("teaching_changed", "teaching_for_calendar", "teaching_decided"),
    }
    # What is over, or changes nothing about when a session is; or is told of each session as well.
    brings_nothing = {
        *("session_refunded", "session_under_review", "announcement", "teaching_moved"),
        *("teaching_settled", "teaching_under_review"),
    }
    readers = ("students", "teachers")
    about_courses = {kind.name for kind in every_kind() if kind.letter and kind.to in readers}
    assert about_courses - brings_nothing == brings


def test_whoever_follows_the_feed_is_not_told_to(student, course):
    enroll_full_course(student=student, course_id=course.pk)
    notice = told(student, "booking_made")
    assert letter_of(notice).button.path == "/calendar/"
    note_fetch(user=student, now=timezone.now())
    letter = letter_of(notice)
    assert letter.calendar == ()
    assert letter.button.path == "/learning/"
    assert "Subscribe" not in letter.lead


def test_a_mail_carries_an_invitation_beside_text_and_page(student, session, make_kind):
    purchase_session(student=student, session_id=session.pk)
    [part] = session_parts(student, session.pk)
    mail = sent(student, make_kind, part)
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [piece.get_content_type() for piece in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    [*_, calendar] = mail.iter_parts()
    assert calendar["content-type"].params == {"method": "REQUEST", "charset": "utf-8"}
    assert lines(calendar.get_content()) == lines(part.content.decode())


def test_a_mail_carries_a_course_as_a_file(student, course, make_kind):
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    [part] = course_parts(student, enrollment.pk)
    [file] = sent(student, make_kind, part).iter_attachments()
    assert file.get_filename() == "sessions.ics"
    assert file.get_content_type() == "text/calendar"
    assert file["content-type"].params["method"] == "PUBLISH"
    assert lines(file.get_content()) == lines(part.content.decode())


def lines(text):
    return text.splitlines()


def sent(reader, make_kind, part):
    """The mail with this part, as it goes over the line."""
    kind = make_kind(letter=lambda notice: Letter(subject="A", lead="B", calendar=(part,)))
    put([kind.tell(reader.pk, about=1)])
    message = mail_of(Notice.objects.get(kind=kind.name)).message()
    return message_from_bytes(message.as_bytes(linesep="\r\n"), policy=policy.default)
