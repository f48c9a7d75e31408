"""Many sessions at once: when they are by the rule, what the preview says, and what is added."""

from datetime import UTC, date, datetime, time

import pytest
import time_machine

from enrollments.services.enrolling import enroll_full_course
from notices.models import Notice
from payments.models import HoldPart
from teaching.schedules import Schedule
from tests.factories import TeacherFactory, extend_course, make_course, student_with_credit
from tests.forms import shown
from tests.teaching.pages import at
from tests.teaching.schedule_page import (
    THE_COURSE,
    _in_december,
    course,
    pages,
    plan,
    send,
    starts_in,
    teacher,
)

__all__ = ["_in_december", "course", "teacher"]

TUESDAY, THURSDAY, SUNDAY = 1, 3, 6


class TestRule:
    def starts(self, **rule) -> list[str]:
        terms = {"first": date(2027, 1, 12), "times": {TUESDAY: time(18)}} | rule
        return [f"{start:%d %b %H:%M}" for start in Schedule(**terms).starts(50)]

    def test_each_day_has_its_own_time(self):
        assert self.starts(times={THURSDAY: time(9), TUESDAY: time(18)}, count=3) == [
            "12 Jan 18:00", "14 Jan 09:00", "19 Jan 18:00"
        ]  # fmt: skip

    def test_weeks_count_from_that_of_the_first_day(self):
        """Though its Tuesday was before it."""
        rule = {"first": date(2027, 1, 13), "times": {TUESDAY: time(18), THURSDAY: time(18)}}
        assert self.starts(**rule, every=2, count=3) == [
            "14 Jan 18:00", "26 Jan 18:00", "28 Jan 18:00"
        ]  # fmt: skip

    def test_a_skipped_day_is_made_up_for_by_a_count_and_not_by_a_last_day(self):
        skipped = {date(2027, 1, 19)}
        assert self.starts(count=3, skipped=skipped)[-1] == "02 Feb 18:00"
        assert len(self.starts(last=date(2027, 2, 2), skipped=skipped)) == 3

    def test_no_more_than_asked_for(self):
        assert len(self.starts(last=date(9999, 12, 31))) == 50


@pages
class TestPreview:
    def test_twice_a_week_over_the_change_of_the_clocks(self, browser, course):
        page = plan(browser, course, **THE_COURSE)
        assert "27 sessions to add" in page.text
        assert "Tue 12 Jan 2027, 18:00–\u206019:00 CET" in page.text
        assert "Tue 16 Feb" not in page.text
        assert not course.sessions.exists()

        page = send(browser, course, page)

        assert page.url == at("course", course)
        starts = starts_in(course)
        assert len(starts) == 27
        assert {start.hour for start in starts if start.date() <= date(2027, 3, 25)} == {17}
        assert {start.hour for start in starts if start.date() >= date(2027, 3, 30)} == {16}
        assert [s.session_number for s in course.sessions.all()] == list(range(1, 28))

    def test_the_night_that_has_no_such_hour_is_marked_and_no_other(self, browser, course):
        rule = {"first": "2027-03-07", "day_6": "02:30", "count": "6"}
        page = plan(browser, course, **rule)
        assert "1 row needs a change" in page.text
        assert page.text.count("the clocks go forward") == 1
        assert "On 28 Mar 2027 there is no 02:30 in Europe/Madrid" in page.text
        refused = send(browser, course, page)
        assert (refused.status_code, course.sessions.count()) == (200, 0)
        left_out = send(browser, course, page, **{"3-out": "on"})
        assert left_out.status_code == 302
        assert len(starts_in(course)) == 5

    def test_titles_come_from_a_list_which_may_also_say_how_many(self, browser, course):
        rule = {"first": "2027-01-12", "day_1": "18:00"}
        page = plan(browser, course, **rule, titles="One\r\n\r\n  Two  \r\nThree")
        send(browser, course, page)
        page = plan(browser, course, **rule, count="2", titles="Four")
        send(browser, course, page, overlapping="2")
        titles = [session.title for session in course.sessions.order_by("created_at", "pk")]
        assert titles == ["One", "Two", "Three", "Four", "Session 5"]

    def test_rows_are_changed_dropped_and_added(self, browser, course):
        page = plan(browser, course, first="2027-01-12", day_1="18:00", count="3")
        page = send(browser, course, page, "another")
        assert "4 sessions to add" in page.text
        assert "Tue 2 Feb 2027" in page.text
        changes = {"0-title": "Kick-off", "0-starts_at": "2027-01-11T09:30", "1-out": "on"}
        page = send(browser, course, page, "look", **changes, **{"3-title": "The end"})
        assert "3 sessions to add" in page.text
        assert "Mon 11 Jan 2027, 09:30" in page.text
        send(browser, course, page)
        assert [(s.title, s.starts_at.day) for s in course.sessions.all()] == [
            ("Kick-off", 11), ("Session 3", 26), ("The end", 2)
        ]  # fmt: skip

    def test_it_says_what_overlaps(self, browser, course, teacher):
        other = make_course(teacher=teacher, sessions=0, published=False, title="Chess clinic")
        extend_course(other, starts_at=datetime(2027, 1, 19, 17, 30, tzinfo=UTC))
        rule = {"first": "2027-01-12", "day_1": "18:00", "count": "3"}
        page = plan(browser, course, **rule)
        assert "“1. A lesson” in “Chess clinic”" in page.text
        assert page.text.count("Overlaps</span>") == 1
        page = send(browser, course, page, **{"0-starts_at": "2027-01-26T17:30"})
        assert "Some sessions overlap. Check them, then confirm again." in page.text
        assert page.text.count("another row") == 2
        assert not course.sessions.exists()
        assert send(browser, course, page).status_code == 302  # now that they know

    def test_the_enrolled_get_them_at_no_charge_and_are_told_once(self, browser, teacher):
        course = make_course(teacher=teacher, sessions=2)
        students = [student_with_credit() for _ in range(2)]
        for student in students:
            enroll_full_course(student=student, course_id=course.pk)
        page = plan(browser, course, first="2027-01-12", day_1="18:00", count="5")
        assert "Your 2 enrolled students get these 5 sessions at no extra charge" in page.text
        send(browser, course, page)
        assert HoldPart.objects.filter(amount=0).count() == 10
        assert Notice.objects.filter(kind="sessions_added").count() == 2

    def test_sent_twice_it_adds_once(self, browser, course):
        page = plan(browser, course, first="2027-01-12", day_1="18:00", count="4")
        for _ in range(2):
            assert send(browser, course, page).status_code == 302
        assert course.sessions.count() == 4

    def test_two_hundred_rows_go_through(self, browser, course):
        days = {f"day_{number}": "18:00" for number in range(7)}
        page = plan(browser, course, first="2027-01-12", **days, count="200")
        assert len(page.content) < 150_000
        everything = {f"{number}-out": "" for number in range(200)}
        assert send(browser, course, page, **everything).status_code == 302
        assert course.sessions.count() == 200
        page = plan(browser, course, first="2027-01-12", day_1="09:00", count="1")
        assert "at most 200 sessions" in page.text

    def test_all_or_nothing(self, browser, teacher):
        course = make_course(teacher=teacher, sessions=1, price_full_course="0.05")
        page = plan(browser, course, first="2027-01-12", day_1="18:00", count="5")
        page = send(browser, course, page)
        assert "a price of at least $0.01 per session" in page.text
        assert "5 sessions to add" in page.text
        assert course.sessions.count() == 1

    def test_a_draft_can_be_published_at_once(self, browser, course):
        page = plan(browser, course, first="2027-01-12", day_1="18:00", count="4")
        send(browser, course, page, "publish")
        course.refresh_from_db()
        assert course.status == "published"


@pages
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"day_1": ""}, "Give a time to at least one day of the week."),
        ({"count": ""}, "Choose a number of sessions or a last day."),
        ({"last": "2027-02-02"}, "Choose a number of sessions or a last day."),
        ({"count": "", "last": "2027-01-05"}, "No session falls between these days."),
        ({"first": "2020-01-01"}, "Choose a day within the next five years."),
        ({"first": "9999-12-31"}, "Choose a day within the next five years."),
        ({"first": "٢٠٢٧-01-12"}, "Enter a valid date."),
        ({"day_1": "25:00"}, "Enter a valid time."),
        ({"skipped": "16 Feb, someday"}, "read “someday” as a day."),
        ({"titles": "x" * 201}, "is longer than 200 characters."),
        ({"count": "201"}, "A course can have at most 200 sessions"),
    ],
)
def test_a_rule_that_makes_no_sense_is_asked_about(browser, course, typed, words):
    rule = {"first": "2027-01-12", "day_1": "18:00", "count": "3"}
    page = plan(browser, course, **rule | typed)
    assert words in page.text
    assert "Preview sessions</button>" in page.text


@pages
@pytest.mark.parametrize(
    "said", ["2027-01-19", "19 Jan", "19 January", "19 Jan 2027", "5 May\n19 Jan", "5 May, 19 Jan"]
)
def test_days_to_skip_are_typed_as_people_write_them(browser, course, said):
    rule = {"first": "2027-01-12", "day_1": "18:00", "count": "2", "skipped": said}
    page = plan(browser, course, **rule)
    assert ("Tue 19 Jan" in page.text, "Tue 26 Jan" in page.text) == (False, True)


@pages
@pytest.mark.parametrize("rows", ["", "0", "-1", "x", "٣", "1"])
def test_nonsense_instead_of_rows_adds_nothing(browser, course, rows):
    sent = {"step": "add", "rows": rows, "idempotency_key": "k", "overlapping": "0"}
    assert browser.post(at("schedule", course), sent).status_code == 200
    assert not course.sessions.exists()


@pages
def test_what_has_passed_meanwhile_is_marked(browser, course):
    page = plan(browser, course, first="2026-12-01", day_1="18:00", count="2")
    with time_machine.travel(datetime(2026, 12, 2, tzinfo=UTC)):
        page = send(browser, course, page)
        assert "Choose a start in the future." in page.text
    assert not course.sessions.exists()


@pages
def test_somebody_elses_course_is_not_there(client, course):
    for who in (TeacherFactory(), TeacherFactory(is_staff=True)):
        client.force_login(who)
        assert client.get(at("schedule", course)).status_code == 404
        assert client.post(at("schedule", course), {"step": "add"}).status_code == 404


@pages
class TestByLinkOnly:
    def test_it_is_in_no_list_and_can_be_bought(self, client):
        hidden = make_course(title="Family chess", by_link_only=True, language="Elvish")
        shown_too = make_course(title="Open chess")
        page = client.get("/")
        assert ("Family chess" in page.text, "Open chess" in page.text) == (False, True)
        assert "Elvish" not in page.text
        assert [row["title"] for row in client.get("/api/courses").json()] == ["Open chess"]
        assert client.get(f"/api/courses/{hidden.pk}").status_code == 200
        noindex = '<meta name="robots" content="noindex">'
        assert noindex in client.get(f"/courses/{hidden.pk}/").text
        assert noindex not in client.get(f"/courses/{shown_too.pk}/").text
        enroll_full_course(student=student_with_credit(), course_id=hidden.pk)

    def test_its_teacher_decides(self, browser, course):
        form = shown(browser.get(at("edit_course", course)))
        for sent, becomes in (({"by_link_only": "on"}, True), ({}, False)):
            form = shown(browser.get(at("edit_course", course)))
            browser.post(at("edit_course", course), form | sent)
            course.refresh_from_db()
            assert course.by_link_only == becomes
            assert ("By link only</span>" in browser.get(at("course", course)).text) == becomes
