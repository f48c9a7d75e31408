"""The course page: every state of a course and of its sessions, to every kind of reader."""

from datetime import timedelta
from decimal import Decimal
from html import escape, unescape
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.formats import until
from courses.models import Course
from enrollments.services.enrolling import cancel_enrollment, hand_back_session
from enrollments.services.purchasing import cancel_session_purchase
from tests.enrollments.course_page import (
    archive,
    buy,
    call_all_off,
    call_off,
    course,
    end,
    end_all,
    enroll,
    look,
    move,
    of_course,
    of_session,
    session,
    start,
    student,
)
from tests.factories import DAY, StaffFactory, make_course, start_session, student_with_credit

__all__ = ["course", "student"]

pytestmark = pytest.mark.django_db


def enrolled(course, student):
    enroll(student, course)


def bought(course, student):
    buy(student, course)


def full(course, student):
    Course.objects.filter(pk=course.pk).update(max_students=1)
    enroll(student_with_credit(), course)


def no_more(course, student):
    Course.objects.filter(pk=course.pk).update(max_students=1)


def poor(course, student):
    enroll(student, make_course(price_full_course="190.00"))


def not_whole(course, student):
    Course.objects.filter(pk=course.pk).update(price_full_course=None)


def not_singly(course, student):
    Course.objects.filter(pk=course.pk).update(price_per_session=None)


def left(course, student):
    cancel_enrollment(student=student, enrollment_id=enroll(student, course).pk)


def returned(course, student):
    cancel_session_purchase(student=student, purchase_id=buy(student, course).pk)


def handed_back(course, student):
    enrollment = enroll(student, course)
    move(course, student)
    hand_back_session(student=student, enrollment_id=enrollment.pk, session_id=session(course).pk)


COURSE_STATES = [
    ((), "open", "Buy full course · $80.00", ""),
    ((start,), "started", "Buy full course · $60.00", ""),
    ((call_off,), "dearer", "", "Choose the sessions you need: all 3 cost $72.00"),
    ((returned, call_off), "started", "Buy full course · $60.00", ""),
    ((bought,), "upgrade", "Upgrade · $56.00 ($24.00 already held)", ""),
    ((bought, start), "started", "Buy full course · $60.00", ""),
    ((poor,), "insufficient", "Buy full course · $80.00", "You need $70.00 more credit"),
    ((full,), "sold_out", "Sold out", ""),
    ((enrolled,), "enrolled", "You're enrolled", ""),
    ((enrolled, archive), "enrolled", "You're enrolled", ""),
    ((left,), "open", "Buy full course · $80.00", ""),
    ((returned,), "open", "Buy full course · $80.00", ""),
    ((end_all,), "ended", "Ended", "Every session of this course is over or cancelled."),
    ((call_all_off,), "no_sessions", "", "No sessions scheduled yet"),
    (
        (archive,),
        "archived",
        "Archived",
        "This course is no longer for sale. Existing bookings stay valid.",
    ),
    ((not_whole,), "not_sold", "", "Sold by the session: choose the ones you need."),
]

SESSION_STATES = [
    ((), "open", "", "Buy session · $24.00", ""),
    ((poor,), "insufficient", "", "Buy session · $24.00", ""),
    ((full,), "sold_out", "Sold out", "", ""),
    ((bought,), "bought", "You have this session", "Cancel", ""),
    ((bought, archive), "bought", "You have this session", "Cancel", ""),
    ((enrolled,), "enrolled", "Included in your course", "", ""),
    ((enrolled, move), "enrolled", "Included in your course", "Return for a refund", ""),
    ((bought, move), "bought", "You have this session", "Cancel", ""),
    ((handed_back,), "open", "", "Buy session · $24.00", ""),
    ((handed_back, no_more), "open", "", "Buy session · $24.00", ""),
    ((left,), "open", "", "Buy session · $24.00", ""),
    ((end,), "ended", "Ended", "", ""),
    ((enrolled, end), "ended", "Ended", "", ""),
    ((start,), "running", "Running now", "", ""),
    ((enrolled, start), "running", "Running now", "Join", ""),
    ((bought, start), "running", "Running now", "Join", ""),
    ((call_off,), "cancelled", "Cancelled by the teacher", "", ""),
    ((enrolled, call_off), "cancelled", "Cancelled by the teacher · refunded", "", ""),
    ((bought, call_off), "cancelled", "Cancelled by the teacher · refunded", "", ""),
    ((returned, call_off), "cancelled", "Cancelled by the teacher", "", ""),
    ((not_singly,), "not_sold", "", "", "Sold with the full course only"),
    ((archive,), "not_sold", "", "", ""),
]


def named(rows):
    return ["-".join(step.__name__ for step in row[0]) or "nothing" for row in rows]


class TestStates:
    @pytest.mark.parametrize(
        ("steps", "state", "words", "reason"), COURSE_STATES, ids=named(COURSE_STATES)
    )
    def test_of_the_whole_course(self, client, student, course, steps, state, words, reason):
        for step in steps:
            step(course, student)
        page = look(client, course, student)
        assert of_course(page) == (state, words, reason)
        for text in filter(None, (words, reason)):
            assert text.replace("'", "&#x27;") in page.text

    @pytest.mark.parametrize(
        ("steps", "state", "badge", "label", "reason"), SESSION_STATES, ids=named(SESSION_STATES)
    )
    def test_of_a_session(self, client, student, course, steps, state, badge, label, reason):
        for step in steps:
            step(course, student)
        page = look(client, course, student)
        offer = of_session(page)
        assert (offer.state, offer.badge, offer.label) == (state, badge, label)
        assert offer.reason == reason
        assert badge in page.text

    @pytest.mark.parametrize("number", [1, 2, 3, 4])
    def test_only_the_session_in_question_is_marked(self, client, student, course, number):
        buy(student, course, number)
        page = look(client, course, student)
        states = [of_session(page, index).state for index in range(1, 5)]
        assert states == ["bought" if index == number else "open" for index in range(1, 5)]


class TestGuests:
    def test_log_in_and_come_back(self, client, course):
        page = look(client, course)
        back = f"/login/?next=%2Fcourses%2F{course.pk}%2F"
        assert of_course(page)[:2] == ("guest", "Log in to buy")
        assert {of_session(page, n).url for n in range(1, 5)} == {back}
        assert page.text.count(f'href="{back}"') == 5
        assert "$80.00" in page.text
        assert "$24.00" in page.text

    def test_see_what_is_sold_out_and_over(self, client, student, course):
        full(course, student)
        assert of_course(look(client, course))[:2] == ("sold_out", "Sold out")
        assert of_session(look(client, course)).state == "sold_out"
        end(course, student)
        assert of_session(look(client, course)).state == "ended"

    def test_see_no_draft(self, client):
        assert look(client, make_course(published=False)).status_code == 404


class TestTeachersAndStaff:
    def test_ones_own_course_is_managed(self, client, course):
        page = look(client, course, course.teacher)
        url = reverse("teaching:course", args=[course.pk])
        assert of_course(page)[:2] == ("own", "Published")
        assert page.text.count(f'href="{url}"') == 5
        assert "/buy/" not in page.text

    def test_a_draft_shows_itself_to_its_teacher_and_to_staff(self, client):
        draft = make_course(published=False)
        mine = ("own", "Draft", "Only you and our staff can see this page until you publish it.")
        assert of_course(look(client, draft, draft.teacher)) == mine
        seen = of_course(look(client, draft, StaffFactory()))
        assert seen == ("draft", "Draft", "Only its teacher and our staff can see this page.")
        assert look(client, draft, student_with_credit()).status_code == 404

    def test_a_teacher_joins_what_runs(self, client, course):
        start_session(session(course))
        assert of_session(look(client, course, course.teacher)).label == "Join"


class TestWhatElseItSays:
    def test_the_policy_the_balance_and_the_zone(self, client, student, course):
        page = unescape(look(client, course, student).text)
        assert "We hold your payment until each session has happened." in page
        assert "Cancel before a session starts and you get that session's money back." in page
        line, _, details = page.partition("<summary>When you're refunded</summary>")
        assert "If you attend at least" not in line
        assert "If you attend at least 20% of a session's length as you booked it" in details
        assert "If you miss it, you're refunded." in page
        assert "$200.00" in page
        local = timezone.localtime(session(course).starts_at, timezone.get_default_timezone())
        assert "CE" in page
        assert f"{local:%Y}" in page

    def test_the_sum_of_what_is_still_to_come(self, client, student, course):
        start(course, student)
        cancelled = buy(student, course, 2)
        cancel_session_purchase(student=student, purchase_id=cancelled.pk)
        call_off(course, student, 2)
        buy(student, course, 3)
        page = look(client, course, student)
        assert page.context["lines"] == [
            ("Full course, 4 sessions", Decimal("80.00")),
            ("2 sessions started or cancelled", Decimal("-40.00")),
            ("1 session you already hold", Decimal("-24.00")),
        ]
        assert "Buy full course" not in page.text
        assert "Upgrade · $16.00 ($24.00 already held)" in page.text

    @pytest.mark.parametrize("step", [end_all, call_all_off])
    def test_nothing_to_come_has_no_seats(self, client, student, course, step):
        Course.objects.filter(pk=course.pk).update(max_students=8)
        assert "8 of 8" in look(client, course, student).text
        step(course, student)
        assert "Seats left" not in look(client, course, student).text

    def test_seats_are_of_interest_to_who_has_none(self, client, student, course):
        Course.objects.filter(pk=course.pk).update(max_students=1)
        enroll(student, course)
        assert client.get(f"/courses/{course.pk}/").text.count("No seats left") == 4
        mine = look(client, course, student).text.lower()
        assert "seats left" not in mine

    def test_singles_may_cost_more_than_the_course(self, client, student, course):
        for number in range(1, 5):
            buy(student, course, number)
        page = look(client, course, student)
        assert "Upgrade · $16.00 back ($96.00 already held)" in page.text

    def test_a_button_without_the_credit_is_disabled_and_says_where_to_get_it(
        self, client, student, course
    ):
        poor(course, student)
        page = look(client, course, student).text
        assert page.count("disabled>") == 5
        where = reverse("payments:credit")
        assert f'You need $70.00 more credit · <a href="{where}">How to get credit</a>' in page
        assert page.count("more credit") == 1

    def test_short_of_a_session_is_said_once_where_no_course_is_sold(self, client, student):
        only_singles = make_course(sessions=8, price_full_course=None)
        poor(only_singles, student)
        page = look(client, only_singles, student).text
        assert page.count("more credit") == 1
        where = reverse("payments:credit")
        assert f'more credit to buy a session · <a href="{where}">How to get credit</a>' in page

    def test_where_credit_can_be_bought_it_says_top_up(self, client, student, course, settings):
        settings.PAYMENTS = "rehearsal"
        poor(course, student)
        page = look(client, course, student).text
        asked = {"amount": "70.00", "next": reverse("enrollments:buy_course", args=[course.pk])}
        where = escape(f"{reverse('payments:ask_for_top_up')}?{urlencode(asked)}")
        assert f'You need $70.00 more credit · <a href="{where}">Top up</a>' in page
        assert page.count("Top up") == 1

    def test_a_moved_session_names_its_old_time(self, client, student, course):
        enrollment = enroll(student, course)
        move(course, student)
        page = look(client, course, student)
        assert of_session(page).changed.sold_starts_at == session(course).starts_at - DAY
        assert of_session(page).url == reverse(
            "enrollments:hand_back", args=[enrollment.pk, session(course).pk]
        )
        assert "This has changed: you booked it for" in page.text

    def test_so_does_one_of_another_length(self, client, student, course):
        enroll(student, course)
        move(course, student, by=timedelta(0), minutes=90)
        page = look(client, course, student)
        assert of_session(page).label == "Return for a refund"
        with timezone.override(student.time_zone):
            sold = until(session(course).starts_at, 60)
        assert f"you booked it for {sold}" in page.text

    def test_a_course_without_sessions(self, client, student):
        empty = make_course(sessions=0, published=False)
        Course.objects.filter(pk=empty.pk).update(status="published")
        page = look(client, empty, student)
        assert of_course(page) == ("no_sessions", "", "No sessions scheduled yet")
        assert "No sessions scheduled yet" in page.text

    def test_nothing_of_another_students_booking(self, client, student, course):
        buy(student_with_credit(), course)
        assert of_session(look(client, course, student)).state == "open"

    @pytest.mark.parametrize("key", ["0", "not-a-uuid", "01a2066e-b884-716e-bcb9-f439fe135636"])
    def test_unknown_is_404(self, client, key):
        assert client.get(f"/courses/{key}/").status_code == 404


def test_more_sessions_ask_the_database_no_more(client, student):
    short, long = make_course(sessions=2), make_course(sessions=9)
    for one in (short, long):
        buy(student, one)
        buy(student, one, 2)
    assert statements(client, short, student) == statements(client, long, student) <= 12


def statements(client, course, reader) -> int:
    look(client, course, reader)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"/courses/{course.pk}/").status_code == 200
    return len(asked)
