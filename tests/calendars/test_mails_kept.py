"""What mails have put into a calendar, beside what its feed has."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from calendars.models import CalendarFeed
from calendars.services import note_fetch
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session
from notices.services.outbox import send_again
from settlement.services.deciding import refund_hold
from tests.calendars.mails import calendar_of, move, move_all, said_by, send_to
from tests.factories import DAY, StaffFactory, extend_course
from tests.telling import told

pytestmark = pytest.mark.django_db


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
