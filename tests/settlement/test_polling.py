"""Rooms from our side: tokens for those who may enter, asking who is in, and playing it all."""

from datetime import timedelta
from io import StringIO

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from courses.models import CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from rooms.attendance import attendance_of
from rooms.models import Attendance
from settlement.services.settling import settle_all
from tests.api.conftest import client_of
from tests.conversations import KEY, SECRET, URL
from tests.factories import end_session, make_course, start_session, student_with_credit
from tests.livekit import LiveKit, serving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]
HOUR = timedelta(hours=1)


@pytest.fixture
def student():
    return student_with_credit("100.00")


@pytest.fixture
def session(student):
    session = make_course().sessions.first()
    purchase_session(student=student, session_id=session.pk)
    start_session(session)
    return session


def join(user, session):
    answer = client_of(user).get(f"/api/enrollments/sessions/{session.pk}/access")
    assert answer.status_code == 200
    return answer.json()["join"]


def claims(user, session):
    door = join(user, session)
    assert door["url"] == URL
    return jwt.decode(door["token"], SECRET, algorithms=["HS256"], issuer=KEY)


class TestJoining:
    def test_a_student_shows_and_says_something(self, student, session):
        told = claims(student, session)
        assert (told["sub"], told["name"]) == (str(student.pk), student.display_name)
        video = told["video"]
        assert (video["roomJoin"], video["room"]) == (True, session.room_name)
        assert video["canPublish"]
        assert video["canPublishSources"] == ["camera", "microphone"]
        assert "roomAdmin" not in video

    def test_the_teacher_may_share_the_screen_but_not_run_the_room(self, session):
        """With a pass that runs it, any page in a browser could call the room service."""
        video = claims(session.course.teacher, session)["video"]
        assert (video["roomJoin"], video["canPublish"]) == (True, True)
        assert "roomAdmin" not in video
        assert {"camera", "microphone", "screen_share"} <= set(video["canPublishSources"])

    def test_a_pass_lives_five_minutes(self, student, session):
        in_five_minutes = (timezone.now() + timedelta(minutes=5)).timestamp()
        assert abs(claims(student, session)["exp"] - in_five_minutes) <= 2

    def test_it_ends_with_the_session(self, student, session):
        start_session(session, ago=timedelta(minutes=58))
        assert abs(claims(student, session)["exp"] - session.ends_at.timestamp()) <= 2

    def test_the_door_opens_ten_minutes_before(self, student, session):
        start_session(session, ago=timedelta(minutes=-11))
        assert join(student, session) is None
        start_session(session, ago=timedelta(minutes=-9))
        assert join(student, session)

    def test_it_closes_at_the_end(self, student, session):
        end_session(session)
        assert join(student, session) is None

    def test_not_for_others(self, session):
        assert join(student_with_credit("0.00"), session) is None

    def test_not_into_what_is_called_off(self, student, session):
        CourseSession.objects.filter(pk=session.pk).update(status="cancelled")
        assert join(student, session) is None

    def test_not_without_livekit(self, student, session, settings):
        settings.LIVEKIT_URL = settings.LIVEKIT_API_KEY = settings.LIVEKIT_API_SECRET = ""
        assert join(student, session) is None


@pytest.fixture
def livekit(settings):
    livekit = LiveKit()
    with serving(livekit) as settings.LIVEKIT_URL:
        yield livekit


def poll():
    out = StringIO()
    call_command("poll_rooms", stdout=out)
    return out.getvalue().strip()


class TestPolling:
    def test_who_is_there_is_noted_once(self, livekit, student, session):
        joined = int((session.starts_at + timedelta(minutes=1)).timestamp())
        connection = livekit.enter(session.room_name, student, joined_at=joined)
        livekit.enter(session.room_name, "EG_recorder", joined_at=joined)
        for _ in range(2):
            assert poll() == "1 of 1 rooms are open, 1 people in them"
        row = Attendance.objects.get()
        assert (row.user, row.source, row.connection) == (student, "poll", connection)
        assert int(row.joined_at.timestamp()) == joined
        # The session started five minutes ago: who may still be there is seen until now.
        assert attendance_of(session)[student.pk].minutes == 4
        session.refresh_from_db()
        assert session.status == "live"

    def test_nobody_is_asked_about_what_does_not_run(self, livekit, session):
        end_session(session, ago=HOUR)
        assert poll() == "0 of 0 rooms are open, 0 people in them"
        assert livekit.asked == ["ListRooms"]

    def test_without_an_answer_it_fails(self, session, settings):
        settings.LIVEKIT_URL = "ws://127.0.0.1:1"
        with pytest.raises(CommandError):
            poll()

    def test_without_livekit_it_says_so(self, session, settings):
        settings.LIVEKIT_URL = ""
        with pytest.raises(CommandError, match="not set up"):
            poll()


@pytest.mark.django_db(transaction=True)
class TestPlaying:
    def play(self, server, session, *options):
        out = StringIO()
        call_command("simulate_session", str(session.pk), "--url", server.url, *options, stdout=out)
        return out.getvalue()

    def test_it_moves_money(self, live_server, student, session):
        friend = student_with_credit("100.00")
        enroll_full_course(student=friend, course_id=session.course_id)
        other = student_with_credit("16.00")
        session = session.course.sessions.last()
        purchase_session(student=other, session_id=session.pk)
        end_session(session, ago=HOUR)
        told = self.play(live_server, session, "--absent", other.email)
        assert told.count("participant_joined") == 3
        assert told.count("(200)") == 8
        there = {user: presence.minutes for user, presence in attendance_of(session).items()}
        assert there == {session.course.teacher_id: 60, friend.pk: 51}
        done = list(settle_all())
        assert (sum(d.released for d in done), sum(d.refunded for d in done)) == (1, 1)

    def test_without_the_teacher(self, live_server, student, session):
        assert "participant_joined" in self.play(live_server, session, "--no-teacher")
        assert set(attendance_of(session)) == {student.pk}

    def test_strangers_are_no_students(self, live_server, session):
        with pytest.raises(CommandError, match="Not among its students: who@example"):
            self.play(live_server, session, "--absent", "who@example.com")

    def test_a_refusal_is_shown(self, live_server, session, monkeypatch):
        monkeypatch.setattr("rooms.livekit.sign", lambda body: "no token")
        with pytest.raises(CommandError, match=r"401: .*invalid_signature"):
            self.play(live_server, session)

    def test_without_livekit_it_says_so(self, live_server, session, settings):
        settings.LIVEKIT_URL = ""
        with pytest.raises(CommandError, match="LIVEKIT_URL"):
            self.play(live_server, session)
