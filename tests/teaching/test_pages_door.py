"""The door of a session's room: first of all for its teacher, and wherever the session is named."""

from datetime import timedelta

import pytest
from django.test import Client

from enrollments.services.purchasing import purchase_session
from tests.factories import (
    PASSWORD,
    TeacherFactory,
    UserFactory,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def session():
    return make_course(sessions=2).sessions.first()


@pytest.fixture
def teacher(session):
    return session.course.teacher


def text_of(user, path):
    browser = Client()
    browser.force_login(user)
    answer = browser.get(path)
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def door(session):
    return f'href="/sessions/{session.pk}/room/"'


@pytest.mark.parametrize(
    ("made", "home"), [(TeacherFactory, "/teaching/"), (UserFactory, "/learning/")]
)
def test_teachers_begin_with_what_they_teach(made, home):
    user = made()
    browser = Client()
    form = {"username": user.email, "password": PASSWORD}
    assert browser.post("/login/", form).headers["Location"] == home
    assert browser.get("/login/").headers["Location"] == home
    wanted = Client().post("/login/", form | {"next": "/credit/"})
    assert wanted.headers["Location"] == "/credit/"


class TestNowAndNext:
    def test_is_on_top_with_a_large_button(self, session, teacher):
        start_session(session)
        text = text_of(teacher, "/teaching/")
        top, _, rest = text.partition(">Your courses<")
        assert "Now and next" in top
        assert 'class="button button-large" ' + door(session) in top
        assert "Running now" in top
        assert "Running now" in rest

    def test_before_the_room_opens_it_says_when(self, session, teacher):
        start_session(session, ago=-11 * MINUTE)
        text = text_of(teacher, "/teaching/")
        assert "The room opens on" in text
        assert door(session) in text

    def test_has_what_is_not_over_of_this_teacher_alone(self, session, teacher):
        make_course(title="Chess")
        draft = make_course(teacher=teacher, title="Go", published=False)
        end_session(session)
        text = text_of(teacher, "/teaching/")
        assert door(session) not in text
        assert door(session.course.sessions.last()) in text
        assert "Chess" not in text
        assert door(draft.sessions.first()) not in text

    def test_is_not_there_where_nothing_comes(self, session, teacher):
        for one in session.course.sessions.all():
            end_session(one)
        assert "Now and next" not in text_of(teacher, "/teaching/")


def test_the_same_door_is_on_the_course_and_the_roster(session, teacher):
    pages = (f"/teaching/courses/{session.course_id}/", f"/teaching/sessions/{session.pk}/")
    start_session(session, ago=-9 * MINUTE)
    for page in pages:
        assert "Start session" in text_of(teacher, page)
        assert door(session) in text_of(teacher, page)
    start_session(session)
    for page in pages:
        assert door(session) in text_of(teacher, page)
        assert "Running now" in text_of(teacher, page)
    end_session(session)
    for page in pages:
        assert door(session) not in text_of(teacher, page)


def test_a_students_is_on_the_course_page_as_soon_as_the_room_is_open(session):
    student, stranger = student_with_credit(), student_with_credit()
    purchase_session(student=student, session_id=session.pk)
    page = f"/courses/{session.course_id}/"
    start_session(session, ago=-11 * MINUTE)
    assert door(session) not in text_of(student, page)
    for minutes in (-9, 59):
        start_session(session, ago=minutes * MINUTE)
        assert door(session) in text_of(student, page)
        assert door(session) not in text_of(stranger, page)
