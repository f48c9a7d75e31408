"""What a mail brings for its teacher's calendar."""

import icalendar
import pytest

from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, delete_course, delete_session
from notices.models import Notice
from notices.rendering import mail_of
from notices.services.claiming import note
from tests.calendars.mails import brought, calendar_of, move, move_all, said_by, send_to
from tests.factories import StaffFactory, student_with_credit

pytestmark = pytest.mark.django_db


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
