"""How a teacher removes a session that was a mistake, and what stands in the way."""

import pytest
from django.test import Client

from courses.models import CourseSession
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    make_course,
    start_session,
    student_with_credit,
)
from tests.forms import shown
from tests.teaching.pages import at, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def course():
    return make_course(sessions=2)


@pytest.fixture
def first(course) -> CourseSession:
    return course.sessions.get(session_number=1)


@pytest.fixture
def browser(client, course):
    client.force_login(course.teacher)
    return client


def is_there(session) -> bool:
    return CourseSession.objects.filter(pk=session.pk).exists()


def test_it_asks_and_then_it_is_gone(browser, course, first):
    for name, thing in (("course", course), ("roster", first)):
        page = browser.get(at(name, thing)).text
        assert (at("delete_session", first) in page, at("cancel_session", first) in page) == (
            True,
            False,
        )
    page = browser.get(at("delete_session", first))
    assert "Delete session 1?" in page.text
    assert "Nobody has booked this session." in page.text
    assert is_there(first)

    page = browser.post(at("delete_session", first), shown(page), follow=True)

    assert page.redirect_chain == [(at("course", course), 302)]
    assert said(page) == ["Session 1 has been deleted."]
    assert not is_there(first)
    assert browser.get(at("delete_session", first)).status_code == 404


def test_sent_twice_it_says_the_same(browser, course, first):
    form = shown(browser.get(at("delete_session", first)))
    for _ in range(2):
        page = browser.post(at("delete_session", first), form, follow=True)
        assert said(page) == ["Session 1 has been deleted."]
    assert course.sessions.count() == 1


def test_somebody_books_it_meanwhile(browser, first):
    form = shown(browser.get(at("delete_session", first)))
    purchase_session(student=student_with_credit(), session_id=first.pk)

    page = browser.post(at("delete_session", first), form)

    assert page.status_code == 409
    assert "Students have booked this session" in page.text
    assert at("cancel_session", first) in page.text
    assert "Delete session</button>" not in page.text
    assert is_there(first)


def test_what_is_booked_is_cancelled_instead(browser, course, first):
    purchase_session(student=student_with_credit(), session_id=first.pk)
    for page in (browser.get(at("course", course)), browser.get(at("roster", first))):
        assert at("delete_session", first) not in page.text
        assert at("cancel_session", first) in page.text
    page = browser.get(at("delete_session", first))
    assert "Cancel it instead." in page.text
    cancel_session(session_id=first.pk, actor=course.teacher)
    assert at("delete_session", first) not in browser.get(at("roster", first)).text


def test_one_that_was_called_off_unbooked_can_go_too(browser, course, first):
    cancel_session(session_id=first.pk, actor=course.teacher)
    assert at("delete_session", first) in browser.get(at("course", course)).text
    form = shown(browser.get(at("delete_session", first)))
    assert said(browser.post(at("delete_session", first), form, follow=True))
    assert not is_there(first)


def test_once_it_has_begun_it_stays(browser, course, first):
    form = shown(browser.get(at("delete_session", first)))
    start_session(first)
    assert at("delete_session", first) not in browser.get(at("course", course)).text
    page = browser.post(at("delete_session", first), form)
    assert (page.status_code, "This session has started" in page.text) == (409, True)
    assert is_there(first)


def test_somebody_elses_is_not_there(client, course, first):
    form = {"idempotency_key": "k"}
    for who in (TeacherFactory(), StaffFactory(is_teacher=True)):
        client.force_login(who)
        assert client.get(at("delete_session", first)).status_code == 404
        assert client.post(at("delete_session", first), form).status_code == 404
    client.force_login(student_with_credit())
    assert client.post(at("delete_session", first), form).status_code == 403
    client.logout()
    assert client.post(at("delete_session", first), form).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(course.teacher)
    assert strict.post(at("delete_session", first), form).status_code == 403
    assert is_there(first)


def test_a_course_that_nobody_booked_can_go(browser, course):
    assert at("delete_course", course) in browser.get(at("course", course)).text
    page = browser.get(at("delete_course", course))
    assert "Nobody has booked this course" in page.text
    form = shown(page)
    for _ in range(2):
        page = browser.post(at("delete_course", course), form, follow=True)
        assert page.redirect_chain == [("/teaching/", 302)]
        assert said(page) == ["“Spanish to go” has been deleted."]
    assert browser.get(at("course", course)).status_code == 404


def test_a_course_that_somebody_books_meanwhile_stays(browser, course, first):
    form = shown(browser.get(at("delete_course", course)))
    purchase_session(student=student_with_credit(), session_id=first.pk)
    page = browser.post(at("delete_course", course), form)
    assert page.status_code == 409
    assert "Students have booked this course" in page.text
    assert at("archive", course) in page.text
    assert "Delete course</button>" not in page.text
    assert at("delete_course", course) not in browser.get(at("course", course)).text
    assert is_there(first)


def test_somebody_elses_course_is_not_there(client, course):
    for who in (TeacherFactory(), StaffFactory(is_teacher=True)):
        client.force_login(who)
        assert client.get(at("delete_course", course)).status_code == 404
        assert client.post(at("delete_course", course), {"idempotency_key": "k"}).status_code == 404
