"""A teacher writes to their students: who reads it, where, how often, and what it may say."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.errors import NotFound
from courses.models import Announcement
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session
from notices.models import Notice
from teaching.errors import NobodyBooked, TooManyAnnouncements
from teaching.services import write_to_students
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)
from tests.forms import shown
from tests.telling import letter_of, mailed, told, was_told, words_of

pytestmark = pytest.mark.django_db
NOON = datetime(2027, 3, 20, 12, tzinfo=UTC)
WORDS = "Bring a notebook.\n\nSee <b>you</b> & “all”"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON) as traveller:
        yield traveller


@pytest.fixture
def teacher():
    return TeacherFactory(display_name="Sofía")


@pytest.fixture
def course(teacher):
    return make_course(teacher=teacher, title="Spanish to go", sessions=3)


@pytest.fixture
def first(course):
    return course.sessions.first()


def enrol(course):
    student = student_with_credit()
    return student, enroll_full_course(student=student, course_id=course.pk)


def buy(session):
    student = student_with_credit()
    return student, purchase_session(student=student, session_id=session.pk)


def write(course, session=None, *, actor=None, text=WORDS):
    return write_to_students(
        actor=actor or course.teacher,
        course_id=course.pk,
        session_id=session and session.pk,
        text=text,
    )


def readers():
    return set(Notice.objects.filter(kind="announcement").values_list("reader", flat=True))


def on_page(course, reader=None) -> list[str]:
    client = Client()
    if reader:
        client.force_login(reader)
    page = client.get(f"/courses/{course.pk}/")
    return [one.text for one in page.context["announcements"]]


class TestWhoReadsIt:
    def test_of_a_course_all_who_hold_it_or_a_session_of_it(self, course, first):
        enrolled, _ = enrol(course)
        single, _ = buy(first)
        gone, purchase = buy(first)
        cancel_session_purchase(student=gone, purchase_id=purchase.pk)
        left, enrollment = enrol(course)
        cancel_enrollment(student=left, enrollment_id=enrollment.pk)
        enrol(make_course(teacher=course.teacher))
        written = write(course)
        assert readers() == {enrolled.pk, single.pk}
        assert written.students == 2
        assert on_page(course, enrolled) == on_page(course, single) == [WORDS]
        for reader in (gone, left, student_with_credit(), StaffFactory(), None):
            assert on_page(course, reader) == []
        assert on_page(course, course.teacher) == [WORDS]

    def test_of_a_session_those_who_have_access_to_it(self, course, first):
        enrolled, _ = enrol(course)
        single, _ = buy(first)
        other, _ = buy(course.sessions.last())
        write(course, first)
        assert readers() == {enrolled.pk, single.pk}
        assert on_page(course, enrolled) == on_page(course, single) == [WORDS]
        assert on_page(course, other) == []

    def test_who_has_both_reads_it_once(self, course, first):
        student, _ = buy(first)
        start_session(first)
        enroll_full_course(student=student, course_id=course.pk)
        assert write(course).students == was_told(student, "announcement") == 1

    def test_who_left_with_a_session_to_wait_for_still_reads_of_that(self, course, first):
        student, enrollment = enrol(course)
        start_session(first)
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        with pytest.raises(NobodyBooked):
            write(course)
        write(course, first)
        assert on_page(course, student) == [WORDS]

    def test_who_attended_reads_of_the_course_and_who_got_it_back_does_not(self, course, first):
        student, purchase = buy(first)
        end_session(first, ago=timedelta(hours=2))
        type(purchase).objects.update(status="missed")
        write(course)
        assert readers() == {student.pk}
        type(purchase).objects.update(payment_status="refunded")
        with pytest.raises(NobodyBooked):
            write(course)

    def test_of_a_session_that_is_called_off_those_who_had_it_by_then(self, course, first):
        """What was written before stays on their page; whoever left it before reads neither."""
        enrolled, _ = enrol(course)
        single, _ = buy(first)
        gone, purchase = buy(first)
        write(course, first, text="Before")
        cancel_session_purchase(student=gone, purchase_id=purchase.pk)
        cancel_session(session_id=first.pk, actor=course.teacher, reason="Flu")
        Notice.objects.all().delete()
        assert write(course, first, text="After").students == 2
        assert readers() == {enrolled.pk, single.pk}
        for reader in (enrolled, single):
            assert set(on_page(course, reader)) == {"Before", "After"}
        for reader in (gone, student_with_credit(), None):
            assert on_page(course, reader) == []
        enrol(course)
        assert write(course, first).students == 2

    def test_of_a_session_that_is_called_off_also_before_its_refunds_are_made(self, course, first):
        student, _ = buy(first)
        type(first).objects.filter(pk=first.pk).update(status="cancelled")
        assert write(course, first).students == 1
        assert on_page(course, student) == [WORDS]

    def test_the_page_of_a_session_that_is_called_off_leads_there(self, browser, course, first):
        enrol(course)
        cancel_session(session_id=first.pk, actor=course.teacher, reason="Flu")
        write_to = reverse("teaching:write_about_session", args=[first.pk])
        assert write_to in browser.get(reverse("teaching:roster", args=[first.pk])).text
        page = browser.get(write_to)
        done = browser.post(write_to, shown(page) | {"text": "Sorry!"}, follow=True)
        assert "Sent to 1 student." in done.text

    def test_who_books_later_finds_it_on_the_page_alone(self, course):
        enrol(course)
        write(course)
        late, _ = enrol(course)
        assert on_page(course, late) == [WORDS]
        assert was_told(late, "announcement") == 0

    def test_newest_first(self, course, clock):
        student, _ = enrol(course)
        for text in ("One", "Two"):
            write(course, text=text)
            clock.shift(timedelta(minutes=1))
        assert on_page(course, student) == ["Two", "One"]

    def test_it_is_one_insert_however_many_read_it(self, course, first):
        def cost():
            with CaptureQueriesContext(connection) as asked:
                write(course)
            return len(asked), sum('INTO "notices"' in q["sql"].replace("`", '"') for q in asked)

        enrol(course)
        few = cost()
        for _ in range(4):
            buy(first)
        assert cost() == few
        assert few[1] == 1


class TestWhoMayWrite:
    def test_nobody_but_its_teacher_while_they_teach(self, course, first):
        enrol(course)
        teacher = course.teacher
        for actor in (TeacherFactory(), StaffFactory(), student_with_credit()):
            with pytest.raises(NotFound):
                write(course, actor=actor)
        for name in ("is_active", "is_teacher"):
            setattr(teacher, name, False)
            with pytest.raises(NotFound):
                write(course, actor=teacher)
            setattr(teacher, name, True)
        with pytest.raises(NotFound):
            write(course, make_course(teacher=teacher).sessions.first())
        assert not Announcement.objects.exists()

    @pytest.mark.parametrize("name", ["course", "session"])
    def test_on_the_pages(self, client, course, first, name):
        enrol(course)
        thing = course if name == "course" else first
        url = reverse(f"teaching:write_about_{name}", args=[thing.pk])
        for who, status in (
            (TeacherFactory(), 404),
            (StaffFactory(is_teacher=True), 404),
            (student_with_credit(), 403),
        ):
            client.force_login(who)
            assert client.get(url).status_code == status
            assert client.post(url, {"text": WORDS}).status_code == status
        client.logout()
        assert client.post(url, {"text": WORDS})["Location"].startswith("/login/")
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(course.teacher)
        assert strict.post(url, {"text": WORDS}).status_code == 403
        assert not Announcement.objects.exists()

    def test_only_so_often_in_a_day_for_each_course(self, settings, course, clock):
        settings.ANNOUNCEMENTS_A_DAY = 2
        enrol(course)
        write(course)
        clock.shift(timedelta(hours=1))
        write(course, course.sessions.first())
        with pytest.raises(TooManyAnnouncements, match="limited to 2 in 24 hours"):
            write(course)
        other = make_course(teacher=course.teacher)
        enrol(other)
        write(other)
        clock.shift(timedelta(hours=23, seconds=1))
        write(course)
        with pytest.raises(TooManyAnnouncements):
            write(course)


class TestThePage:
    def test_it_is_sent_once_however_often_the_form_comes(self, browser, course, first):
        student, _ = enrol(course)
        url = reverse("teaching:write_about_session", args=[first.pk])
        form = shown(browser.get(url)) | {"text": WORDS.replace("\n", "\r\n")}
        for _ in range(2):
            page = browser.post(url, form, follow=True)
            assert [str(message) for message in page.context["messages"]] == ["Sent to 1 student."]
            assert page.redirect_chain == [(reverse("teaching:roster", args=[first.pk]), 302)]
        assert was_told(student, "announcement") == 1
        [written] = Announcement.objects.all()
        assert (written.text, written.session, written.author) == (WORDS, first, course.teacher)

    def test_what_was_sent_stands_below(self, browser, course, first):
        enrol(course)
        buy(first)
        write(course)
        page = browser.get(reverse("teaching:write_about_course", args=[course.pk])).text
        assert "See &lt;b&gt;you&lt;/b&gt; &amp; “all”" in page
        assert "to 2 students" in page
        assert (
            "Bring"
            not in browser.get(reverse("teaching:write_about_session", args=[first.pk])).text
        )

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "required"),
            (" \r\n\t", "required"),
            ("x" * 2001, "at most 2000 characters"),
            ("a\0b", "Null characters"),
        ],
    )
    def test_what_is_refused(self, browser, course, text, why):
        enrol(course)
        url = reverse("teaching:write_about_course", args=[course.pk])
        page = browser.post(url, shown(browser.get(url)) | {"text": text})
        assert why in str(page.context["form"].errors["text"])
        assert "Nothing was sent." in page.text
        assert not Announcement.objects.exists()

    def test_line_breaks_count_as_browsers_count_them(self, browser, course):
        enrol(course)
        url = reverse("teaching:write_about_course", args=[course.pk])
        text = "x\r\n" * 999 + "xx"
        browser.post(url, shown(browser.get(url)) | {"text": text})
        assert len(Announcement.objects.get().text) == 2000

    def test_a_refusal_keeps_what_was_written(self, settings, browser, course):
        settings.ANNOUNCEMENTS_A_DAY = 1
        enrol(course)
        write(course)
        url = reverse("teaching:write_about_course", args=[course.pk])
        page = browser.post(url, shown(browser.get(url)) | {"text": "Once more"})
        assert "limited to 1 in 24 hours" in page.text
        assert "Once more</textarea>" in page.text

    def test_with_nobody_there_it_is_not_offered(self, browser, course, first):
        for name, thing in (("course", course), ("session", first)):
            url = reverse(f"teaching:write_about_{name}", args=[thing.pk])
            page = browser.get(url)
            assert "Nobody has booked this yet" in page.text
            assert "<textarea" not in page.text
        place = reverse("teaching:write_about_course", args=[course.pk])
        assert place not in browser.get(reverse("teaching:course", args=[course.pk])).text
        enrol(course)
        assert place in browser.get(reverse("teaching:course", args=[course.pk])).text
        assert "Write to students" in browser.get(reverse("teaching:roster", args=[first.pk])).text


class TestTheWords:
    def test_to_a_course(self, course):
        student, _ = enrol(course)
        write(course)
        notice = told(student, "announcement")
        assert mailed(notice) == [
            "Message from Sofía: Spanish to go",
            "Sofía wrote to the students of “Spanish to go”.",
            "Course: Spanish to go",
            "Sofía:",
            "> Bring a notebook.",
            "> ",
            "> See <b>you</b> & “all”",
            "Open the course:",
            f"/courses/{course.pk}/",
        ]
        assert words_of(notice) == (
            "Sofía wrote to the students of “Spanish to go”: "
            "“Bring a notebook. See <b>you</b> & “all””"
        )
        assert (notice.course_id, notice.session_id) == (course.pk, None)
        assert not notice.must_acknowledge

    def test_to_a_session(self, course, first):
        student, _ = buy(first)
        write(course, first)
        notice = told(student, "announcement")
        assert letter_of(notice).lead == (
            "Sofía wrote to the students of “1. A lesson” in “Spanish to go”."
        )
        assert notice.session_id == first.pk

    def test_a_long_one_is_cut_in_the_notice_alone(self, course):
        student, _ = enrol(course)
        write(course, text="word " * 300)
        notice = told(student, "announcement")
        assert len(words_of(notice)) < 260
        assert words_of(notice).endswith("…”")
        assert letter_of(notice).quote.words == "word " * 300

    def test_html_is_text_on_every_page(self, client, course):
        student, _ = enrol(course)
        write(course, text="<script>alert(1)</script>")
        client.force_login(student)
        for path in (f"/courses/{course.pk}/", "/notices/"):
            page = client.get(path).text
            assert "<script>alert" not in page
            assert "<script>alert(1)</script>" in unescape(page)
