"""Staff write courses, publish them with their sessions, and call sessions off."""

from datetime import timedelta
from decimal import Decimal
from html import unescape
from io import BytesIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from courses.models import Course, CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.models import LedgerAccount
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    UserFactory,
    end_session,
    extend_course,
    make_course,
    student_with_credit,
)
from tests.forms import shown
from tests.teaching.test_pages_courses_writing import picture

pytestmark = pytest.mark.django_db

COURSES = "/admin/courses/course/"
SESSIONS = "/admin/courses/coursesession/"
CALL_OFF = f"{SESSIONS}decide/cancel_and_refund/"


@pytest.fixture
def browser(client):
    client.force_login(StaffFactory())
    return client


def form_of(course: Course | None = None, *sessions: dict, **changes) -> dict:
    """What the page sends for a course, with new `sessions` below those that are there."""
    there = list(course.sessions.all()) if course else []
    body = {
        "title": "Spanish to go",
        "description": "",
        "language": "Spanish",
        "level": "beginner",
        "category": "Languages",
        "price_full_course": "100.00",
        "price_per_session": "16.00",
        "max_students": "",
        "sessions-TOTAL_FORMS": len(there) + len(sessions),
        "sessions-INITIAL_FORMS": len(there),
    }
    for row, session in enumerate(there):
        body[f"sessions-{row}-id"] = session.pk
        body[f"sessions-{row}-course"] = course.pk
    for row, session in enumerate(sessions, start=len(there)):
        body |= {f"sessions-{row}-{name}": value for name, value in session.items()}
    return body | changes


def new_session(in_days: int = 1) -> dict:
    starts_at = timezone.now() + timedelta(days=in_days)
    return {
        "title": "Hola",
        "description": "",
        "starts_at_0": f"{starts_at:%Y-%m-%d}",
        "starts_at_1": "18:00:00",
        "duration_minutes": "45",
    }


def page_of(course: Course) -> str:
    return f"{COURSES}{course.pk}/change/"


def errors(page) -> str:
    return unescape(str(page.context["errors"]))


def said(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def act(browser, where: str, action: str, *rows, **more):
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows]} | more
    return browser.post(where, body, follow=True)


def confirm(browser, asked, *sessions, reason="The teacher fell ill"):
    """Send what the page that asks holds."""
    told = {name: value for name, value in shown(asked).items() if name.startswith("told")}
    assert len(told) == len(sessions)
    body = {"session": [session.pk for session in sessions], "reason": reason}
    return browser.post(CALL_OFF, body | told, follow=True)


def test_a_course_is_drafted_with_its_sessions(browser):
    teacher = TeacherFactory()
    body = form_of(None, new_session(2), new_session(1), teacher=teacher.pk, status="published")
    answer = browser.post(f"{COURSES}add/", body)
    assert answer.status_code == 302, errors(answer)
    course = Course.objects.get()
    assert (course.teacher, course.status) == (teacher, Course.Status.DRAFT)
    assert [s.session_number for s in course.sessions.all()] == [1, 2]


def test_a_course_is_all_or_nothing(browser):
    body = form_of(None, new_session(2), new_session(-1), teacher=TeacherFactory().pk)
    page = browser.post(f"{COURSES}add/", body)
    assert "Choose a start in the future." in errors(page)
    assert page.context["adminform"].form["title"].value() == "Spanish to go"
    assert not Course.objects.exists()
    assert not LogEntry.objects.exists()


def test_only_a_teacher_is_given_a_course(browser):
    page = browser.post(f"{COURSES}add/", form_of(teacher=UserFactory().pk))
    assert "This user is not a teacher." in errors(page)
    assert not Course.objects.exists()


def test_terms_are_changed_and_nothing_else(browser):
    course = make_course(sessions=2)
    teacher = course.teacher
    body = form_of(
        course,
        title="Spanish to stay",
        price_full_course="120.00",
        status="archived",
        current_students="7",
        teacher=TeacherFactory().pk,
    )
    body["sessions-0-title"] = "Forged"
    answer = browser.post(page_of(course), body)
    assert answer.status_code == 302, errors(answer)
    course.refresh_from_db()
    assert (course.title, course.price_full_course) == ("Spanish to stay", Decimal("120.00"))
    assert (course.status, course.current_students) == (Course.Status.PUBLISHED, 0)
    assert course.teacher == teacher
    assert not course.sessions.filter(title="Forged").exists()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"max_students": "1"}, "2 seats already taken."),
        ({"price_full_course": "", "price_per_session": ""}, "a course needs a session to come"),
        ({"price_full_course": "0.01"}, "a course needs a session to come"),
        ({"price_full_course": "0"}, "price"),
        ({"price_full_course": "-1"}, "price"),
        ({"price_full_course": "NaN"}, "Enter an amount"),
    ],
)
def test_terms_that_break_a_rule_are_refused(browser, change, refusal):
    course = make_course(sessions=2, max_students=5)
    for _ in range(2):
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
    body = form_of(course, title="Changed", max_students="5") | change
    assert refusal in errors(browser.post(page_of(course), body))
    before = (course.title, course.price_full_course, course.max_students)
    course.refresh_from_db()
    assert (course.title, course.price_full_course, course.max_students) == before


def test_sessions_are_added_to_a_draft_only(browser):
    draft, sold = make_course(sessions=1, published=False), make_course(sessions=1)
    for course in (draft, sold):
        answer = browser.post(page_of(course), form_of(course, new_session(9)))
        assert answer.status_code == 302, errors(answer)
    assert (draft.sessions.count(), sold.sessions.count()) == (2, 1)


def test_one_session_too_many_is_an_error_of_the_form(browser, settings):
    settings.MAX_SESSIONS_PER_COURSE = 2
    draft = make_course(sessions=1, published=False)
    page = browser.post(page_of(draft), form_of(draft, new_session(9), new_session(10)))
    assert "A course can have at most 2 sessions, including cancelled ones." in errors(page)
    assert draft.sessions.count() == 1


def test_nothing_of_the_catalogue_is_deleted(browser):
    course = make_course(sessions=1)
    session = course.sessions.get()
    for page in (f"{COURSES}{course.pk}/delete/", f"{SESSIONS}{session.pk}/delete/"):
        assert browser.post(page, {"post": "yes"}).status_code == 403
    body = form_of(course) | {"sessions-0-DELETE": "on"}
    browser.post(page_of(course), body)
    act(browser, COURSES, "delete_selected", course, post="yes")
    act(browser, SESSIONS, "delete_selected", session, post="yes")
    assert CourseSession.objects.filter(pk=session.pk, course=course).exists()


def test_publishing_says_what_came_of_each(browser):
    good = make_course(sessions=7, published=False, title="Good")
    bare = make_course(sessions=0, published=False, title="Bare")
    page = act(browser, COURSES, "publish", good, bare)
    assert sorted(said(page)) == [
        "Bare: To be on sale, a course needs a session to come and a price of at least $0.01 per "
        "session.",
        "Good: Published.",
    ]
    statuses = dict(Course.objects.values_list("title", "status"))
    assert statuses == {"Good": "published", "Bare": "draft"}
    assert LogEntry.objects.get().object_id == str(good.pk)


def test_publishing_warns_of_what_nobody_will_be_offered(browser):
    prices = {"price_full_course": "97.00", "price_per_session": "24.00"}
    dearer = make_course(sessions=4, published=False, title="Dearer", **prices)
    done, warned = said(act(browser, COURSES, "publish", dearer))
    assert done == "Dearer: Published."
    assert warned == (
        "Dearer: Students are offered only single sessions: all those to come cost $96.00 "
        "together, less than the full course at $97.00."
    )
    assert LogEntry.objects.get().change_message == "Published"


def test_a_picture_is_redrawn_as_a_teachers_is(browser, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    course = make_course(sessions=1)
    browser.post(page_of(course), form_of(course, thumbnail=picture(size=(4000, 3000))))
    course.refresh_from_db()
    first = course.thumbnail.name
    with course.thumbnail.open() as file:
        content = file.read()
    assert first.startswith("courses/")
    assert first.endswith(".webp")
    assert b"<?php" not in content
    assert Image.open(BytesIO(content)).size == (960, 720)
    browser.post(page_of(course), form_of(course, title="Other"))
    course.refresh_from_db()
    assert (course.title, course.thumbnail.name) == ("Other", first)
    drawn = form_of(course, thumbnail=SimpleUploadedFile("a.svg", b"<svg/>", "image/svg+xml"))
    assert "We can't read this picture." in errors(browser.post(page_of(course), drawn))
    browser.post(page_of(course), form_of(course, **{"thumbnail-clear": "on"}))
    course.refresh_from_db()
    assert course.thumbnail.name == ""


def test_archiving(browser):
    course = make_course(sessions=1)
    assert said(act(browser, COURSES, "archive", course)) == ["Spanish to go: Archived."]
    course.refresh_from_db()
    assert course.status == Course.Status.ARCHIVED


def test_looking_is_not_changing(client):
    course = make_course(sessions=1, published=False)
    clerk = StaffFactory(is_superuser=False)
    client.force_login(clerk)
    assert client.get(COURSES).status_code == client.get(page_of(course)).status_code == 403
    views = Permission.objects.filter(codename__in=["view_course", "view_coursesession"])
    clerk.user_permissions.set(views)
    assert client.get(COURSES).status_code == client.get(page_of(course)).status_code == 200
    assert client.post(page_of(course), form_of(course, title="Forged")).status_code == 403
    act(client, COURSES, "publish", course)
    act(client, SESSIONS, "cancel_and_refund", course.sessions.get())
    sent = {"session": course.sessions.get().pk, "reason": "Mine"}
    assert client.post(CALL_OFF, sent).status_code == 403
    course.refresh_from_db()
    assert (course.title, course.status) == ("Spanish to go", Course.Status.DRAFT)
    assert course.sessions.get().status == CourseSession.Status.SCHEDULED


@pytest.fixture
def sold():
    """A course of two sessions: one student has it all, for 50 + 50, another the first for 16."""
    course = make_course(sessions=2)
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    first = course.sessions.first()
    purchase_session(student=student_with_credit(), session_id=first.pk)
    return course


def wallets() -> list[Decimal]:
    accounts = LedgerAccount.objects.filter(kind="wallet", balance__gt=0).order_by("balance")
    return list(accounts.values_list("balance", flat=True))


def test_before_a_session_is_cancelled_the_page_says_what_comes_back(browser, sold):
    before = wallets()
    first, second = sold.sessions.all()
    page = act(browser, SESSIONS, "cancel_and_refund", first, second)
    assert page.text.count("2 students get $66.00 back.") == 1
    assert page.text.count("1 student gets $50.00 back.") == 1
    assert wallets() == before
    assert set(sold.sessions.values_list("status", flat=True)) == {"scheduled"}


def test_a_cancelled_session_is_refunded(browser, sold):
    first = sold.sessions.first()
    page = confirm(browser, act(browser, SESSIONS, "cancel_and_refund", first), first)
    assert said(page) == ["1. A lesson: Cancelled. 2 students got $66.00 back."]
    assert wallets() == [Decimal("450.00"), Decimal("500.00")]
    statuses = list(sold.sessions.values_list("status", flat=True))
    assert statuses == ["cancelled", "scheduled"]


def test_calling_off_takes_a_reason_which_stays(browser, sold):
    first = sold.sessions.first()
    asked = browser.get(CALL_OFF, {"session": first.pk})
    assert confirm(browser, asked, first, reason=" ").context["form"].errors
    assert sold.sessions.first().status == "scheduled"
    confirm(browser, asked, first)
    [entry] = LogEntry.objects.all()
    assert entry.change_message == ("Cancelled. 2 students got $66.00 back: The teacher fell ill")


def test_who_cannot_call_a_session_off_is_told_before(client):
    """One that is over, one that the clerk paid for, two that nothing speaks against."""
    clerk = student_with_credit("16.00", is_staff=True, is_superuser=True)
    over, mine, *_ = sessions = list(make_course(sessions=4).sessions.all())
    purchase_session(student=clerk, session_id=mine.pk)
    end_session(over)
    CourseSession.objects.filter(pk=over.pk).update(status="completed")
    client.force_login(clerk)
    page = client.get(CALL_OFF, {"session": [session.pk for session in sessions]})
    assert page.text.count("Part of this payment is yours") == 1
    assert page.text.count("This session is over or cancelled") == 1
    assert page.text.count("Nobody has paid for it.") == 2
    leads = f"{CALL_OFF}?session="
    assert f"{leads}{mine.pk}" in client.get(f"{SESSIONS}{mine.pk}/change/").text
    assert leads not in client.get(f"{SESSIONS}{over.pk}/change/").text


def test_whoever_has_it_for_nothing_gets_nothing_back(browser, sold):
    added = extend_course(sold, starts_at=timezone.now() + timedelta(days=9))
    asked = act(browser, SESSIONS, "cancel_and_refund", added)
    assert "Nobody has paid for it." in asked.text
    assert said(confirm(browser, asked, added)) == [
        "3. A lesson: Cancelled. Nobody had paid for it."
    ]


def test_other_refunds_than_the_page_has_told_are_not_made(browser, sold):
    """As on the teacher's page: somebody buys while it is read."""
    first, second = sold.sessions.all()
    asked = act(browser, SESSIONS, "cancel_and_refund", first, second)
    purchase_session(student=student_with_credit(), session_id=first.pk)
    before = wallets()
    page = confirm(browser, asked, first, second)
    assert sorted(said(page)) == [
        "1. A lesson: Cancelling would now refund $82.00 to 3 students. Nothing was cancelled.",
        "2. A lesson: Cancelled. 1 student got $50.00 back.",
    ]
    assert sum(wallets()) == sum(before) + 50
    assert list(sold.sessions.values_list("status", flat=True)) == ["scheduled", "cancelled"]


def test_nothing_is_refunded_that_no_page_has_told(browser, sold):
    before = wallets()
    sent = {"session": sold.sessions.first().pk, "reason": "Untold"}
    page = browser.post(CALL_OFF, sent, follow=True)
    assert "Cancelling would now refund" in said(page)[0]
    assert wallets() == before


def test_confirmed_twice_it_is_cancelled_once(browser, sold):
    first = sold.sessions.first()
    asked = act(browser, SESSIONS, "cancel_and_refund", first)
    for _ in range(2):
        page = confirm(browser, asked, first)
        assert said(page) == ["1. A lesson: Cancelled. 2 students got $66.00 back."]


def test_a_session_that_is_over_is_not_cancelled(browser, sold):
    first, second = sold.sessions.all()
    end_session(first)
    CourseSession.objects.filter(pk=first.pk).update(status="completed")
    before = wallets()
    asked = act(browser, SESSIONS, "cancel_and_refund", first, second)
    page = confirm(browser, asked, first, second)
    refusal = "1. A lesson: This session is over or cancelled, so it can't be changed."
    assert refusal in said(page)
    assert sum(wallets()) == sum(before) + Decimal("50.00")


def test_sessions_can_only_be_read(browser, sold):
    session = sold.sessions.first()
    assert browser.get(f"{SESSIONS}{session.pk}/change/").status_code == 200
    assert browser.post(f"{SESSIONS}{session.pk}/change/", new_session()).status_code == 403
    assert browser.post(f"{SESSIONS}add/", new_session()).status_code == 403


@pytest.mark.parametrize("where", [COURSES, SESSIONS])
def test_statements_do_not_grow_with_rows(browser, where):
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(where).status_code == 200
        return len(queries)

    for _ in range(3):
        make_course(sessions=1)
    statements()
    few = statements()
    for _ in range(9):
        make_course(sessions=1)
    assert statements() == few


@pytest.mark.both
@pytest.mark.parametrize("where", [COURSES, SESSIONS])
@pytest.mark.parametrize("words", ["Spanish", "0198-zzzz", "\0", "😀"])
def test_any_words_can_be_searched(browser, sold, where, words):
    assert browser.get(where, {"q": words}).status_code == 200


@pytest.mark.both
def test_found_by_id(browser, sold):
    make_course(sessions=1)
    courses = browser.get(COURSES, {"q": sold.pk}).context["cl"].result_list
    sessions = browser.get(SESSIONS, {"q": sold.pk}).context["cl"].result_list
    assert list(courses) == [sold]
    assert set(sessions) == set(sold.sessions.all())
