"""Staff write courses, publish them with their sessions, and find them."""

from decimal import Decimal
from io import BytesIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from courses.models import Course, CourseSession
from enrollments.services.enrolling import enroll_full_course
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    UserFactory,
    make_course,
    student_with_credit,
)
from tests.teaching.course_forms import picture
from tests.teaching.pages import said
from tests.teaching.staff_forms import (
    CALL_OFF,
    COURSES,
    SESSIONS,
    act,
    browser,
    errors,
    form_of,
    new_session,
    page_of,
    sold,
)

__all__ = ["browser", "sold"]

pytestmark = pytest.mark.django_db


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


def test_a_course_is_taken_off_the_list_and_put_back(browser):
    course = make_course()
    browser.post(page_of(course), form_of(course, by_link_only="on"))
    assert list(Course.objects.listed()) == []
    browser.post(page_of(course), form_of(course))
    assert list(Course.objects.listed()) == [course]


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
