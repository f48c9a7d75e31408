"""A small LiveKit in the place of the real one: what happens there reaches our real server."""

from datetime import timedelta

import pytest
from django.test import Client

from enrollments.services.purchasing import purchase_session
from rooms.models import Attendance
from tests.conversations import CONFIGURED, hear
from tests.factories import make_course, start_session, student_with_credit
from tests.livekit import LiveKit, serving
from tests.livekit.telling import telling

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(settings):
    session = make_course(sessions=1).sessions.get()
    settings.LIVEKIT_API_KEY = CONFIGURED["LIVEKIT_API_KEY"]
    settings.LIVEKIT_API_SECRET = CONFIGURED["LIVEKIT_API_SECRET"]
    return session


def post(user, session, rest):
    browser = Client()
    browser.force_login(user)
    answer = browser.post(f"/sessions/{session.pk}/room/{rest}")
    assert answer.status_code == 200, answer.content


def test_who_came_and_why_they_left_is_known(live_server, session, settings):
    """The teacher puts one out, ends it for all, and another has left by then."""
    students = [student_with_credit() for _ in range(3)]
    for student in students:
        purchase_session(student=student, session_id=session.pk)
    start_session(session, ago=timedelta(minutes=5))
    gone, removed, stayed = students
    with telling(live_server.url) as tell:
        livekit = LiveKit(tell)
        with serving(livekit) as settings.LIVEKIT_URL:
            for student in students:
                post(student, session, "pass/")
                livekit.enter(session.room_name, student)
            livekit.leave(session.room_name, gone)
            post(session.course.teacher, session, f"people/{removed.pk}/remove/")
            post(session.course.teacher, session, "end/")
            assert livekit.rooms == {}
    # What came while the session was locked waits for the job.
    hear()
    known = Attendance.objects.exclude(left_at=None)
    assert dict(known.values_list("user", "disconnect_reason")) == {
        gone.pk: "CLIENT_INITIATED",
        removed.pk: "PARTICIPANT_REMOVED",
        stayed.pk: "ROOM_DELETED",
    }
