"""What a mail brings for its reader's calendar."""

from datetime import timedelta
from email import message_from_bytes, policy

import icalendar
import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from calendars.mails import course_parts, session_parts
from calendars.models import CalendarFeed
from calendars.services import note_fetch
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import (
    cancel_enrollment,
    enroll_full_course,
    hand_back_session,
)
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.reminding import remind_all
from enrollments.services.sessions import (
    cancel_session,
    delete_course,
    delete_session,
    move_session,
)
from enrollments.services.timetable import NewSession, add_sessions, move_sessions
from notices.kinds import Letter, every_kind
from notices.models import Notice
from notices.rendering import mail_of
from notices.sending import send_due
from notices.services.claiming import note
from notices.services.outbox import put, send_again
from settlement.services.deciding import refund_hold
from tests.factories import (
    DAY,
    StaffFactory,
    end_session,
    extend_course,
    make_course,
    student_with_credit,
)
from tests.notices.conftest import make_kind
from tests.telling import letter_of, told

__all__ = ["make_kind"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def student():
    return student_with_credit(display_name="Ada", email="ada@example.com")


@pytest.fixture
def course():
    return make_course(sessions=3)


@pytest.fixture
def session(course):
    return course.sessions.first()


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


def brought(reader, kind, **which):
    """The method of what the mail of this kind brings; nothing where it brings none."""
    parts = letter_of(told(reader, kind, **which)).calendar
    return ", ".join(read(part)[0] for part in parts)


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
    # What is over, or changes nothing about when a session is.
    brings_nothing = {
        *("session_refunded", "session_under_review", "announcement"),
        *("teaching_settled", "teaching_under_review"),
    }
    readers = ("students", "teachers")
    about_courses = {kind.name for kind in every_kind() if kind.letter and kind.to in readers}
    assert about_courses - brings_nothing == brings


class TestTeachers:
    """What emails put into a teacher's calendar follows what they do themselves."""

    def test_a_session_that_is_sold_or_that_staff_move(self, student, course, session):
        purchase = purchase_session(student=student, session_id=session.pk)
        assert brought(course.teacher, "sale_made") == "REQUEST"
        cancel_session_purchase(student=student, purchase_id=purchase.pk)
        assert brought(course.teacher, "sale_cancelled") == "REQUEST"
        enroll_full_course(student=student, course_id=course.pk)
        assert brought(course.teacher, "sale_made", session_id=None) == ""
        move(session, StaffFactory())
        assert brought(course.teacher, "teaching_changed") == "REQUEST"
        Notice.objects.all().delete()
        cancel_session(session_id=session.pk, actor=StaffFactory())
        assert brought(course.teacher, "teaching_changed") == "CANCEL"

    def test_what_they_do_themselves_is_mailed_for_their_calendar(
        self, student, course, session, mailoutbox
    ):
        purchase_session(student=student, session_id=session.pk)
        send_to(course.teacher, mailoutbox)
        move(session)
        [mail] = send_to(course.teacher, mailoutbox)
        assert mail.subject.startswith("You moved 1. A lesson, now ")
        assert "Its students have been told, and this email updates your calendar." in mail.body
        assert said_by(mail) == ("REQUEST", 1)
        cancel_session(session_id=session.pk, actor=course.teacher)
        [mail] = send_to(course.teacher, mailoutbox)
        assert mail.subject.startswith("You cancelled 1. A lesson, ")
        assert said_by(mail) == ("CANCEL", 2)

    @pytest.mark.parametrize("deed", ["session", "course"])
    @pytest.mark.parametrize("late", [False, True], ids=["sent", "on its way"])
    def test_what_staff_moved_and_is_deleted_leaves_their_calendar(
        self, course, session, mailoutbox, deed, late
    ):
        """Nobody had booked it: else it could only be called off."""
        move(session, StaffFactory())
        waiting = Notice.objects.get(kind="teaching_changed")
        message = mail_of(waiting)
        if not late:
            assert [said_by(mail) for mail in send_to(course.teacher, mailoutbox)] == [
                ("REQUEST", 1)
            ]
        if deed == "session":
            delete_session(session_id=session.pk, actor=course.teacher)
        else:
            delete_course(course_id=course.pk, actor=course.teacher)
        if late:
            # It was with the mail server already.
            message.send()
            note(waiting, Notice.Mail.SENT)
        [mail] = send_to(course.teacher, mailoutbox)
        assert mail.subject.startswith("You deleted 1. A lesson, ")
        assert "Nobody had booked it, and this email updates your calendar." in mail.body
        assert said_by(mail) == ("CANCEL", 2)
        [text] = calendar_of(mail)
        [event] = icalendar.Calendar.from_ical(text).events
        assert str(event["uid"]) == str(waiting.session_id)
        assert event["summary"] == "Cancelled: Spanish to go: A lesson"

    @pytest.mark.parametrize("first", ["nothing", "called off"])
    def test_what_is_not_in_their_calendar_is_deleted_without_a_word(
        self, course, session, mailoutbox, first
    ):
        if first == "called off":
            move(session, StaffFactory())
            send_to(course.teacher, mailoutbox)
            cancel_session(session_id=session.pk, actor=course.teacher)
            send_to(course.teacher, mailoutbox)
        delete_session(session_id=session.pk, actor=course.teacher)
        assert send_to(course.teacher, mailoutbox) == []

    def test_of_several_that_move_at_once_those_that_are_in_their_calendar(
        self, student, course, session, mailoutbox
    ):
        purchase_session(student=student, session_id=session.pk)
        send_to(course.teacher, mailoutbox)
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        send_to(course.teacher, mailoutbox)
        move_all(course)
        [mail] = send_to(course.teacher, mailoutbox)
        assert mail.subject.startswith("You moved 1. A lesson, ")
        assert said_by(mail) == ("REQUEST", 1)

    def test_where_no_mail_has_put_it_in_there_is_nothing_to_change(
        self, student, course, session, mailoutbox
    ):
        enroll_full_course(student=student, course_id=course.pk)
        move(session)
        cancel_session(session_id=session.pk, actor=course.teacher)
        mails = send_to(course.teacher, mailoutbox)
        assert [mail.subject for mail in mails] == ["Sold: Spanish to go"]
        dropped = Notice.objects.filter(kind="teaching_for_calendar")
        assert set(dropped.values_list("mail", "mail_note", "is_notice")) == {
            ("dropped", "No email has put it into their calendar.", False)
        }


class TestKeptByMail:
    """What emails have put into a calendar they also change and take out, whatever the feed has."""

    @pytest.fixture(autouse=True)
    def _taking_mails(self, student, mailoutbox):
        self.student, self.outbox = student, mailoutbox

    def mails(self):
        return send_to(self.student, self.outbox)

    def follow(self):
        note_fetch(user=self.student, now=timezone.now())
        self.student.refresh_from_db()

    def brings(self):
        return [said_by(mail) for mail in self.mails()]

    def test_an_invitation_from_before_the_feed_moves_and_goes(self, session):
        purchase_session(student=self.student, session_id=session.pk)
        assert self.brings() == [("REQUEST", 0)]
        self.follow()
        move(session)
        assert self.brings() == [("REQUEST", 1)]
        cancel_session(session_id=session.pk, actor=session.course.teacher)
        assert self.brings() == [("CANCEL", 2)]

    def test_several_that_move_at_once_change_what_is_there(self, course, session):
        """A file of the others would stand there twice; and it stays an invitation."""
        enrollment = enroll_full_course(student=self.student, course_id=course.pk)
        User.objects.update(proved_since=None)
        self.mails()
        User.objects.update(proved_since=timezone.now() - DAY)
        move(session)
        assert self.brings() == [("REQUEST", 1)]
        self.follow()
        move_all(course)
        assert self.brings() == [("PUBLISH", 2)]
        cancel_enrollment(student=self.student, enrollment_id=enrollment.pk)
        assert self.brings() == [("CANCEL", 3)]

    def test_once_it_is_taken_out_the_feed_alone_has_it(self, session):
        purchase = purchase_session(student=self.student, session_id=session.pk)
        self.mails()
        self.follow()
        cancel_session_purchase(student=self.student, purchase_id=purchase.pk)
        assert self.brings() == [("CANCEL", 1)]
        purchase_session(student=self.student, session_id=session.pk)
        move(session)
        cancel_session(session_id=session.pk, actor=session.course.teacher)
        assert self.brings() == [None, None, None]

    def test_what_was_only_in_the_feed_is_not_mailed(self, course, session):
        other = course.sessions.last()
        purchase_session(student=self.student, session_id=other.pk)
        self.mails()
        self.follow()
        purchase_session(student=self.student, session_id=session.pk)
        move(session)
        assert self.brings() == [None, None]

    def test_a_file_of_the_course_counts_for_what_was_in_it(self, course, session):
        enroll_full_course(student=self.student, course_id=course.pk)
        self.mails()
        self.follow()
        added = extend_course(course, starts_at=timezone.now() + 9 * DAY)
        move(added)
        assert self.brings() == [None, None]
        move(session)
        assert self.brings() == [("REQUEST", 1)]

    def test_whoever_left_the_feed_is_invited_and_updated_as_before(self, session):
        self.follow()
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            purchase_session(student=self.student, session_id=session.pk)
            assert self.brings() == [None]
        CalendarFeed.objects.update(fetched_at=timezone.now() - 15 * DAY)
        move(session)
        assert self.brings() == [("REQUEST", 1)]
        self.follow()
        move(session)
        assert self.brings() == [("REQUEST", 2)]

    def test_a_mail_that_was_not_sent_has_put_nothing_in(self, session):
        User.objects.update(proved_since=None)
        purchase_session(student=self.student, session_id=session.pk)
        assert self.mails() == []
        User.objects.update(proved_since=timezone.now() - DAY)
        self.follow()
        move(session)
        assert self.brings() == [None]

    def test_sent_again_it_says_the_same_of_the_calendar(self, session):
        purchase_session(student=self.student, session_id=session.pk)
        self.mails()
        self.follow()
        send_again(notice_id=told(self.student, "booking_made").pk)
        assert self.brings() == [("REQUEST", 0)]
        move(session)
        assert self.brings() == [("REQUEST", 1)]

    @pytest.mark.parametrize("sent", [True, False])
    def test_sent_again_after_it_was_taken_out_it_puts_nothing_in(self, session, sent):
        """The feed has it again: an invitation would stand beside it."""
        purchase = purchase_session(student=self.student, session_id=session.pk)
        self.mails()
        self.follow()
        cancel_session_purchase(student=self.student, purchase_id=purchase.pk)
        assert self.brings() == [("CANCEL", 1)]
        User.objects.update(proved_since=timezone.now() - DAY if sent else None)
        send_again(notice_id=told(self.student, "booking_made").pk)
        assert self.brings() == ([None] if sent else [])
        User.objects.update(proved_since=timezone.now() - DAY)
        purchase_session(student=self.student, session_id=session.pk)
        move(session)
        assert self.brings() == [None, None]

    def test_one_that_could_not_be_sent_again_still_put_it_in(self, session):
        purchase_session(student=self.student, session_id=session.pk)
        self.mails()
        self.follow()
        User.objects.update(proved_since=None)
        send_again(notice_id=told(self.student, "booking_made").pk)
        assert self.mails() == []
        User.objects.update(proved_since=timezone.now() - DAY)
        move(session)
        assert self.brings() == [("REQUEST", 1)]

    def test_free_sessions_go_with_the_enrolment(self, course):
        """Each was an invitation of its own, and came without a price."""
        enrollment = enroll_full_course(student=self.student, course_id=course.pk)
        added = extend_course(course, starts_at=timezone.now() + 9 * DAY)
        self.mails()
        cancel_enrollment(student=self.student, enrollment_id=enrollment.pk)
        [mail] = self.mails()
        assert said_by(mail) == ("CANCEL", 1)
        assert str(added.pk) in calendar_of(mail)[0]
        purchase_session(student=self.student, session_id=course.sessions.first().pk)
        assert self.brings() == [("REQUEST", 2)]

    def test_several_go_with_a_message_each(self, course):
        enrollment = enroll_full_course(student=self.student, course_id=course.pk)
        for days in (9, 10):
            extend_course(course, starts_at=timezone.now() + days * DAY)
        self.mails()
        for session in course.sessions.all()[:3]:
            cancel_session(session_id=session.pk, actor=course.teacher)
        *called_off, ended = self.mails()
        assert [said_by(mail)[0] for mail in called_off] == ["CANCEL"] * 3
        files = list(ended.message().walk())
        names = [file.get_filename() for file in files if file.get_filename()]
        assert names == ["cancelled-1.ics", "cancelled-2.ics"]
        assert len(calendar_of(ended)) == 2
        assert all("METHOD:CANCEL" in text for text in calendar_of(ended))
        assert CourseEnrollment.objects.get(pk=enrollment.pk).status == "cancelled"

    def test_what_staff_refund_together_goes_too(self, course, session):
        enrollment = enroll_full_course(student=self.student, course_id=course.pk)
        self.mails()
        move(session)
        self.mails()
        refund_hold(hold_id=enrollment.hold.pk, actor=StaffFactory(), reason="All of it")
        assert self.brings() == [("CANCEL", 2), None]


def move_all(course):
    starts = {one.pk: one.starts_at + DAY for one in course.sessions.all()}
    move_sessions(course_id=course.pk, actor=course.teacher, starts=starts)


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
