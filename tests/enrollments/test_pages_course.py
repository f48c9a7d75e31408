"""The course page: every state of a course and of its sessions, to every kind of reader."""

from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import override

from common.formats import until
from courses.models import Course, CourseSession
from courses.services import archive_course
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course, hand_back_session
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, move_session
from tests.factories import (
    DAY,
    StaffFactory,
    end_session,
    extend_course,
    lengthen_course,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def student():
    return student_with_credit("200.00", time_zone="Europe/Berlin")


@pytest.fixture
def course():
    return make_course(sessions=4, price_full_course="80.00", price_per_session="24.00")


def look(client, course: Course, reader=None):
    if reader:
        client.force_login(reader)
    return client.get(f"/courses/{course.pk}/")


def of_course(page) -> tuple[str, str, str]:
    offer = page.context["offer"]
    return offer.state, offer.badge or offer.label, offer.reason


def of_session(page, number: int = 1):
    return page.context["sessions"][number - 1][1]


def session(course: Course, number: int = 1) -> CourseSession:
    return course.sessions.get(session_number=number)


def enroll(student, course):
    return enroll_full_course(student=student, course_id=course.pk)


def buy(student, course, number: int = 1):
    return purchase_session(student=student, session_id=session(course, number).pk)


def start(course, student, number=1):
    start_session(session(course, number))


def end(course, student, number=1):
    end_session(session(course, number))


def archive(course, student):
    archive_course(course_id=course.pk, actor=course.teacher)


def call_off(course, student, number=1):
    cancel_session(session_id=session(course, number).pk, actor=course.teacher)


def move(course, student, number=1, by=DAY, minutes=60):
    moved = session(course, number)
    move_session(
        session_id=moved.pk,
        actor=course.teacher,
        starts_at=moved.starts_at + by,
        duration_minutes=minutes,
    )


def end_all(course, student):
    for number in range(1, 5):
        end(course, student, number)


def call_all_off(course, student):
    for number in range(1, 5):
        call_off(course, student, number)


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
        assert f'<a href="{where}">You need $70.00 more credit</a>' in page
        assert page.count("more credit") == 1

    def test_short_of_a_session_is_said_once_where_no_course_is_sold(self, client, student):
        only_singles = make_course(sessions=8, price_full_course=None)
        poor(only_singles, student)
        page = look(client, only_singles, student).text
        assert page.count("more credit") == 1
        assert "more credit</a> to buy a session" in page

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
    for course in (short, long):
        buy(student, course)
        buy(student, course, 2)
    assert statements(client, short, student) == statements(client, long, student) <= 12


def statements(client, course, reader) -> int:
    look(client, course, reader)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"/courses/{course.pk}/").status_code == 200
    return len(asked)


class TestLongCourses:
    @pytest.fixture
    def course(self):
        """Of 200 sessions with titles as people write them, the first 70 over."""
        course = make_course(sessions=1, price_full_course="1000.00", max_students=5)
        lengthen_course(course, 200)
        title = "Ordering at the counter, and asking for the bill"
        course.sessions.update(title=title, status="scheduled")
        course.sessions.filter(session_number__lte=70).update(status="completed")
        return course

    @pytest.mark.parametrize("path", ["/courses/{}/", "/teaching/courses/{}/"])
    def test_the_page_opens_where_the_course_is(self, client, course, path):
        client.force_login(course.teacher)
        for session in (sessions := list(course.sessions.all())):
            session.starts_at = timezone.now() + (session.session_number - 70.5) * DAY
        CourseSession.objects.bulk_update(sessions, ["starts_at"])
        opened = client.get(path.format(course.pk))
        assert "Session 71: " in opened.text
        assert "Session 50: " not in opened.text
        assert "Page 2 of 4" in opened.text
        last = client.get(path.format(course.pk), {"page": "4"})
        assert ("Session 200: " in last.text, "Session 150: " in last.text) == (True, False)

    @pytest.mark.parametrize("path", ["/courses/{}/", "/teaching/courses/{}/"])
    def test_pages_go_by_time_and_the_api_by_number(self, client, path):
        course = make_course(sessions=2)
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        extend_course(course, starts_at=timezone.now() + 1.5 * DAY)  # the third by number
        client.force_login(course.teacher)
        page = client.get(path.format(course.pk)).text
        places = [page.index(f"Session {number}: ") for number in (1, 3, 2)]
        assert places == sorted(places)
        rows = client.get(f"/api/courses/{course.pk}").json()["sessions"]
        assert [row["session_number"] for row in rows] == [1, 2, 3]

    @pytest.mark.parametrize("path", ["/courses/{}/", "/teaching/courses/{}/"])
    def test_a_page_of_it_is_light(self, client, course, path):
        """Styles and script come on top of it."""
        client.force_login(course.teacher)
        for page in range(1, 5):
            assert len(client.get(path.format(course.pk), {"page": page}).content) < 60_000

    def test_its_price_is_that_of_all_sessions(self, client, course, student):
        """Whichever of them are on the page."""
        shown = look(client, course, student).context["shown"]
        assert len(shown.quote.shares) == 104
        assert shown.price_now == Decimal("520.00")


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
