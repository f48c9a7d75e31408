"""The page of a room that is open, and what is posted from it."""

from datetime import timedelta

import jwt
import pytest
from django.test import Client

from enrollments.services.purchasing import purchase_session
from tests.conversations import KEY, SECRET
from tests.factories import make_course, start_session, student_with_credit

MINUTE = timedelta(minutes=1)


@pytest.fixture
def session(student):
    session = make_course(sessions=2).sessions.first()
    purchase_session(student=student, session_id=session.pk)
    start_session(session, ago=5 * MINUTE)
    return session


@pytest.fixture
def student():
    return student_with_credit("100.00")


@pytest.fixture
def teacher(session):
    return session.course.teacher


def browser(user, **more):
    client = Client(**more)
    if user:
        client.force_login(user)
    return client


def path(session, rest=""):
    return f"/sessions/{session.pk}/room/{rest}"


def post(user, session, rest):
    return browser(user).post(path(session, rest))


def get_state(user, session):
    answer = browser(user).get(path(session, "state/"))
    assert answer.status_code == 200, answer.content
    return answer.json()


def order(teacher, session, student, verb):
    return post(teacher, session, f"people/{student.pk}/{verb}/")


def refused(answer):
    return answer.status_code, answer.json()["code"]


def claims(answer):
    assert answer.status_code == 200, answer.content
    return jwt.decode(answer.json()["token"], SECRET, algorithms=["HS256"], issuer=KEY)
