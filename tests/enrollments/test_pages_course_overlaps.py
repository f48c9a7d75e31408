"""Sessions that overlap with others that the reader has."""

from datetime import timedelta
from html import unescape

import pytest
from django.utils.timezone import override

from common.formats import until
from enrollments.services.enrolling import cancel_enrollment
from tests.enrollments.course_page import (
    buy,
    call_off,
    course,
    end_all,
    enroll,
    look,
    move,
    of_course,
    student,
)
from tests.factories import DAY, end_session, make_course, student_with_credit

__all__ = ["course", "student"]

pytestmark = pytest.mark.django_db


class TestOverlaps:
    """With a session that the reader has, of whichever course."""

    @pytest.fixture
    def other(self, student):
        """It starts in the last minute of the course's first session; the student has it."""
        other = make_course(title="Knots", sessions=1, starts_in=DAY + timedelta(minutes=59))
        enroll(student, other)
        return other

    def seen(self, client, course, reader) -> list[str | None]:
        page = look(client, course, reader)
        offers = [offer for _, offer in page.context["sessions"]]
        told = [offer.overlapped and offer.overlapped.part.hold.sold_title for offer in offers]
        assert page.text.count(">Overlaps<") == len([*filter(None, told)])
        return told

    def test_are_told_on_both_pages(self, client, student, course, other):
        assert self.seen(client, course, student) == ["Knots", None, None, None]
        assert self.seen(client, other, student) == [None]
        page = unescape(look(client, course, student).text)
        lesson = other.sessions.get()
        assert "“1. A lesson” in “Knots”, which you've booked:" in page
        with override("Europe/Berlin"):
            assert until(lesson.starts_at, 60) in page
        buy(student, course)
        assert self.seen(client, course, student) == ["Knots", None, None, None]
        assert self.seen(client, other, student) == ["Spanish to go"]

    def test_are_told_before_buying(self, client, student, course, other):
        client.force_login(student)
        whole = client.get(f"/courses/{course.pk}/buy/").text
        assert "<strong>One session overlaps</strong> another session you have." in whole
        assert whole.count(">Overlaps<") == 1
        first, second, *_ = course.sessions.all()
        single = client.get(f"/sessions/{first.pk}/buy/").text
        assert "<strong>It overlaps</strong> another session you have." in single
        assert "overlaps" not in client.get(f"/sessions/{second.pk}/buy/").text.lower()

    def test_in_one_course_too(self, client, student, course):
        buy(student, course)
        move(course, student, by=DAY)
        assert self.seen(client, course, student) == [None, "Spanish to go", None, None]

    @pytest.mark.parametrize("end", ["called_off", "returned", "over"])
    def test_what_the_reader_no_longer_has_is_none(self, client, student, course, other, end):
        if end == "called_off":
            call_off(other, student)
        elif end == "over":
            end_session(other.sessions.get())
        else:
            enrollment = student.courseenrollments.get(course=other)
            cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        assert self.seen(client, course, student) == [None] * 4

    def test_one_after_the_other_is_none(self, client, student, course):
        follows = make_course(sessions=1, starts_in=DAY + timedelta(hours=1, seconds=5))
        enroll(student, follows)
        assert self.seen(client, course, student) == [None] * 4

    def test_what_was_paid_for_what_is_over_is_still_known(self, client, student, course, other):
        enroll(student, course)
        end_all(course, student)
        shown = look(client, course, student).context["shown"]
        assert shown.my_enrollment
        assert all(one.my_part for one in shown.sessions)

    def test_others_see_none(self, client, course, other):
        assert self.seen(client, course, None) == [None] * 4
        assert self.seen(client, course, student_with_credit()) == [None] * 4

    def test_what_is_held_elsewhere_changes_no_price(self, client, student, course, other):
        """Nor does it look like an enrolment in this course."""
        page = look(client, course, student)
        assert of_course(page)[:2] == ("open", "Buy full course · $80.00")
        assert page.context["shown"].my_enrollment is None
