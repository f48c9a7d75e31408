"""Attendance is what the events say, whatever order they come in, and some of them never."""

import json
from datetime import timedelta
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rooms.attendance import Presence, attendance_in, attendance_of
from rooms.models import Attendance, RoomWatch, WebhookEvent
from tests.conversations import Room, configured, hear
from tests.factories import end_session, make_course, student_with_credit

__all__ = ["configured"]

pytestmark = pytest.mark.usefixtures("configured")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def student(db):
    return student_with_credit("0.00")


@pytest.fixture
def session(db):
    session = make_course().sessions.first()
    end_session(session)
    return session


@pytest.fixture
def room(session):
    return Room(session)


def minutes(session, user):
    return attendance_of(session).get(user.pk, Presence(0 * MINUTE, MINUTE)).minutes


def test_joined_and_left(room, student, session):
    hear(*room.visit(student, 10, 45))
    assert minutes(session, student) == 35


def test_in_any_order_and_twice(room, student, session):
    """Two visits and the end of the room, in each of their orders."""
    bodies = [*room.visit(student, 0, 20), *room.visit(student, 30, 50), room.finished(55)]
    for order in permutations(bodies):
        Attendance.objects.all().delete()
        WebhookEvent.objects.all().delete()
        RoomWatch.objects.all().delete()
        hear(*order, order[0])
        assert minutes(session, student) == 40


def test_before_and_after_the_session_do_not_count(room, student, session):
    hear(*room.visit(student, -9, 5), *room.visit(student, 50, 75))
    assert minutes(session, student) == 15


def test_two_devices_at_once_count_once(room, student, session):
    phone, laptop = room.visit(student, 0, 30), room.visit(student, 20, 40)
    hear(*phone, *laptop)
    assert minutes(session, student) == 40


def test_without_left_it_lasts_to_the_end_of_the_room(room, student, session):
    hear(room.joined(student, 10), room.finished(40))
    assert minutes(session, student) == 30


def test_without_left_and_the_end_of_the_room_it_lasts_to_the_last_sign(room, student, session):
    hear(room.joined(student, 10))
    assert minutes(session, student) == 0
    hear(room.event("track_published", 15, student))
    assert minutes(session, student) == 5
    hear(room.event("track_published", 40))
    assert minutes(session, student) == 30


def test_without_joined_its_end_says_since_when(room, student, session):
    room.joined(student, 10)
    hear(room.left(student, 30))
    assert minutes(session, student) == 20


def test_left_before_joined(room, student, session):
    joined, left = room.visit(student, 10, 30)
    hear(left, joined)
    assert minutes(session, student) == 20


def test_an_end_that_does_not_say_since_when_counts_once_the_join_comes(room, student, session):
    joined, left = room.visit(student, 10, 30)
    wire = json.loads(left)
    del wire["participant"]["joinedAt"], wire["participant"]["joinedAtMs"]
    hear(json.dumps(wire).encode())
    assert attendance_of(session) == {}
    hear(joined)
    assert minutes(session, student) == 20


def test_a_connection_that_broke_off_is_over(room, student, session):
    hear(room.joined(student, 0), room.finished(60))
    hear(room.event("participant_connection_aborted", 12, student))
    assert minutes(session, student) == 12


@pytest.mark.parametrize("kind", ["participant_connection_aborted", "track_published"])
def test_what_never_became_active_is_no_presence(room, student, session, kind):
    room.joined(student, 0)
    hear(room.started(), room.event(kind, 12, student), room.finished(60))
    assert attendance_of(session) == {}


def test_the_end_of_another_room_of_the_session_ends_nothing(room, student, session):
    """The first room was empty for a while and closed; LiveKit opened a second of its name."""
    second = Room(session)
    hear(second.joined(student, 20), room.finished(30), second.finished(60))
    assert minutes(session, student) == 40


def test_everybody_has_their_own(room, student, session):
    hear(*room.visit(student, 0, 10), *room.visit(session.course.teacher, 0, 60))
    assert {user: there.minutes for user, there in attendance_of(session).items()} == {
        student.pk: 10,
        session.course.teacher_id: 60,
    }


def test_the_threshold_is_reached_by_a_fifth_of_the_length(room, student, session):
    there = Presence(12 * MINUTE, 60 * MINUTE)
    assert there.suffices
    assert not Presence(12 * MINUTE - timedelta(microseconds=1), 60 * MINUTE).suffices


def test_many_sessions_and_people_cost_two_statements(session, student):
    others = list(session.course.sessions.all()[:3])
    for one in others:
        room = Room(one)
        hear(*room.visit(student, 0, 10), *room.visit(student_with_credit("0.00"), 0, 60))
    with CaptureQueriesContext(connection) as captured:
        assert len(attendance_in(others)) == 6
        assert len(attendance_in(others, [student.pk])) == 3
    assert len(captured) == 4
