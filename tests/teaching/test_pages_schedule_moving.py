"""All sessions of a course at once: moved to other days, and copied."""

from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile

from courses.models import Course
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.sessions import cancel_session
from notices.models import Notice
from tests.factories import TeacherFactory, extend_course, make_course, student_with_credit
from tests.forms import shown
from tests.teaching.pages import at
from tests.teaching.schedule_page import _in_december, pages, starts_in, teacher

__all__ = ["_in_december", "teacher"]


@pages
class TestMovingAll:
    @pytest.fixture
    def course(self, teacher):
        course = make_course(teacher=teacher, sessions=0, published=False)
        for day in (20, 27):
            extend_course(course, starts_at=datetime(2027, 3, day, 17, tzinfo=UTC))
        return course

    def look(self, browser, course, **typed):
        form = shown(browser.get(at("move_all", course)))
        return browser.post(at("move_all", course), form | typed)

    def confirm(self, browser, course, page, **changes):
        return browser.post(at("move_all", course), shown(page) | {"step": "move"} | changes)

    def test_a_week_later_on_the_clock_of_the_wall(self, browser, course):
        page = self.look(browser, course)
        assert "Sat 3 Apr 2027, 18:00–⁠19:00 CEST" in page.text
        assert starts_in(course)[1].day == 27
        for _ in range(2):  # sent twice it moves once
            assert self.confirm(browser, course, page).url == at("course", course)
        assert [f"{start:%d %H}" for start in starts_in(course)] == ["27 17", "03 16"]

    def test_to_another_day_at_another_time(self, browser, course):
        page = self.look(browser, course, weeks="0", day="0", at="09:30")
        self.confirm(browser, course, page)
        assert [f"{start:%a %d %H:%M}" for start in starts_in(course)] == [
            "Mon 15 08:30", "Mon 22 08:30"
        ]  # fmt: skip

    def test_an_hour_that_is_none_moves_nothing(self, browser, course):
        page = self.look(browser, course, weeks="0", day="6", at="02:30")
        assert "there is no 02:30 in Europe/Madrid" in page.text
        assert 'value="move"' not in page.text
        page = self.confirm(browser, course, page)
        assert "Check it, then confirm again." in page.text
        assert starts_in(course)[0].day == 20

    def test_it_says_what_overlaps(self, browser, course, teacher):
        other = make_course(teacher=teacher, sessions=0, published=False, title="Chess clinic")
        extend_course(other, starts_at=datetime(2027, 3, 27, 17, 30, tzinfo=UTC))
        page = self.look(browser, course)
        assert page.text.count("“1. A lesson” in “Chess clinic”") == 1

    def test_what_changed_since_is_shown_again(self, browser, course):
        page = self.look(browser, course)
        extend_course(course, starts_at=datetime(2027, 4, 20, 17, tzinfo=UTC))
        page = self.confirm(browser, course, page)
        assert "Check it, then confirm again." in page.text
        assert "3 sessions to move" in page.text
        assert self.confirm(browser, course, page).status_code == 302

    def test_students_are_told_why(self, browser, teacher):
        course = make_course(teacher=teacher, sessions=2)
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        assert "1 student has booked" in browser.get(at("move_all", course)).text
        page = self.look(browser, course)
        assert "This field is required" in page.text
        page = self.look(browser, course, reason="I am ill")
        assert "We'll tell 1 student once" in page.text
        self.confirm(browser, course, page)
        assert "I am ill" in Notice.objects.get(kind="sessions_moved").facts["reason"]

    def test_nowhere_is_no_move(self, browser, course):
        assert "Choose where they move to." in self.look(browser, course, weeks="0").text

    def test_somebody_elses_course_is_not_there(self, client, course):
        client.force_login(TeacherFactory())
        assert client.get(at("move_all", course)).status_code == 404
        assert client.post(at("move_all", course), {"weeks": "1"}).status_code == 404


@pages
class TestCopying:
    @pytest.fixture
    def course(self, teacher):
        course = make_course(teacher=teacher, sessions=0, by_link_only=True, published=False)
        for day in (20, 24, 27):
            extend_course(course, starts_at=datetime(2027, 3, day, 17, tzinfo=UTC))
        cancel_session(session_id=course.sessions.get(session_number=2).pk, actor=teacher)
        return course

    def copy(self, browser, course, **typed):
        return browser.post(at("copy", course), shown(browser.get(at("copy", course))) | typed)

    def test_a_draft_from_another_first_day_on_the_clock_of_the_wall(self, browser, course):
        form = shown(browser.get(at("copy", course))) | {"first": "2027-10-30"}
        for _ in range(2):  # sent twice it copies once
            answer = browser.post(at("copy", course), form)
        draft = Course.objects.exclude(pk=course.pk).get()
        assert answer.url == at("course", draft)
        assert [f"{start:%d %b %H}" for start in starts_in(draft)] == ["30 Oct 16", "06 Nov 17"]
        assert [s.session_number for s in draft.sessions.all()] == [1, 2]
        assert (draft.status, draft.title, draft.by_link_only) == ("draft", course.title, True)
        assert (draft.price_full_course, draft.current_students) == (course.price_full_course, 0)

    def test_its_picture_is_its_own(self, browser, course):
        course.thumbnail.save("old.webp", ContentFile(b"picture"))
        self.copy(browser, course, first="2027-10-30")
        draft = Course.objects.exclude(pk=course.pk).get()
        assert draft.thumbnail.name != course.thumbnail.name
        with draft.thumbnail.open() as copied:
            assert copied.read() == b"picture"
        for one in (draft, course):
            one.thumbnail.delete(save=False)

    def test_what_overlaps_is_said(self, browser, course):
        page = browser.post(
            at("copy", course),
            shown(browser.get(at("copy", course))) | {"first": "2027-03-20"},
            follow=True,
        )
        assert "Overlaps with other sessions of yours: 2 sessions." in page.text

    @pytest.mark.parametrize(
        ("first", "words"),
        [
            ("2026-11-01", "Choose a start in the future."),
            ("9999-12-31", "Choose a start within the next five years."),
            ("", "This field is required."),
        ],
    )
    def test_where_it_cannot_be(self, browser, course, first, words):
        assert words in self.copy(browser, course, first=first).text
        assert Course.objects.count() == 1

    def test_a_course_without_sessions_too(self, browser, teacher):
        course = make_course(teacher=teacher, sessions=0, published=False)
        assert self.copy(browser, course).status_code == 302
        assert Course.objects.count() == 2

    def test_somebody_elses_course_is_not_there(self, client, course):
        client.force_login(TeacherFactory())
        assert client.get(at("copy", course)).status_code == 404
        assert client.post(at("copy", course), {"first": "2027-10-30"}).status_code == 404
