"""Who was there, of a whole course: a table, and a file."""

import csv

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from tests.conversations import CONFIGURED, attend, hear
from tests.factories import TeacherFactory, end_session, make_course, student_with_credit
from tests.teaching.pages import at
from tests.teaching.schedule_page import _in_december, pages, teacher

__all__ = ["_in_december", "teacher"]


@pages
class TestAttendance:
    @pytest.fixture
    def course(self, teacher, settings):
        for name, value in CONFIGURED.items():
            setattr(settings, name, value)
        course = make_course(teacher=teacher, sessions=2)
        anna, single = (student_with_credit(display_name=name) for name in ("Anna", "=cmd()"))
        enroll_full_course(student=anna, course_id=course.pk)
        purchase_session(student=single, session_id=course.sessions.last().pk)
        first = course.sessions.first()
        end_session(first)
        hear(*attend(first, teacher).visit(anna, 0, 52.5))
        return course

    def test_everyone_is_in_one_table(self, browser, course):
        assert at("attendance", course) in browser.get(at("course", course)).text
        page = browser.get(at("attendance", course))
        rows = {row.student.display_name: row.words for row in page.context["rows"]}
        assert rows == {"Anna": ["52 min", "Booked"], "=cmd()": ["", "Booked"]}
        dash = '<span aria-hidden="true">–</span><span class="visually-hidden">Not booked</span>'
        assert page.text.count(dash) == 1
        assert "A dash (–) means that they haven't booked that session." in page.text

    def test_and_in_one_file_without_formulas(self, browser, course):
        answer = browser.get(at("attendance_csv", course))
        [head, *rows] = csv.reader(answer.getvalue().decode("utf-8-sig").splitlines())
        assert head[1].startswith("1. A lesson, ")
        assert sorted(rows) == [["'=cmd()", "", "Booked"], ["Anna", "52 min", "Booked"]]

    def test_more_students_take_no_more_statements(self, browser, course):
        def statements() -> int:
            with CaptureQueriesContext(connection) as asked:
                assert browser.get(at("attendance", course)).status_code == 200
            return len(asked)

        before = statements()
        for _ in range(5):
            enroll_full_course(student=student_with_credit(), course_id=course.pk)
        assert statements() == before

    def test_somebody_elses_is_not_there(self, client, course):
        client.force_login(TeacherFactory())
        for name in ("attendance", "attendance_csv"):
            assert client.get(at(name, course)).status_code == 404
