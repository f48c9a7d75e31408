"""The door of LiveKit's webhook: what is let in, stored once, and refused with which code."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from courses.models import CourseSession
from enrollments.joining import join_of
from rooms.attendance import attendance_of
from rooms.livekit import RoomEvent, read, write
from rooms.models import Attendance, RoomWatch, WebhookEvent
from settlement.services import listening
from settlement.services.listening import process_event
from tests.conversations import PATH, Room, hear, post, sign
from tests.factories import access_to, make_course, start_session, student_with_credit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]


@pytest.fixture
def student():
    return student_with_credit("0.00")


@pytest.fixture
def session():
    session = make_course().sessions.first()
    start_session(session, ago=timedelta(minutes=30))
    return session


@pytest.fixture
def room(session):
    return Room(session)


def refused(answer):
    assert WebhookEvent.objects.count() == 0
    assert set(answer.json()) == {"code", "message", "details"}
    return answer.status_code, answer.json()["code"]


def test_a_signed_event_is_taken(room, student, session):
    answer = post(room.joined(student, 3))
    assert (answer.status_code, answer.content) == (200, b"")
    row = WebhookEvent.objects.get()
    assert (row.kind, row.session, row.note) == ("participant_joined", session, "done")
    assert row.occurred_at == room.at(3).replace(microsecond=0)
    assert row.processed_at


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="none"),
        pytest.param("not.a.token", id="no token"),
        pytest.param(sign(b"other"), id="of another body"),
    ],
)
def test_what_is_not_signed_is_refused(room, student, token):
    assert refused(post(room.joined(student, 3), token)) == (401, "invalid_signature")


def test_a_wrong_secret_or_key_is_refused(room):
    body = room.started()
    assert refused(post(body, sign(body, secret="x" * 40))) == (401, "invalid_signature")
    assert refused(post(body, sign(body, key="another"))) == (401, "invalid_signature")


def test_one_byte_changed_is_refused(room, student):
    body = room.joined(student, 3)
    changed = body.replace(b"_joined", b"_Joined", 1)
    assert refused(post(changed, sign(body))) == (401, "invalid_signature")


def test_bytes_that_are_no_text_are_refused():
    assert refused(post(b"\xff\xfe", sign(b"\xff\xfe"))) == (401, "invalid_signature")


def test_an_expired_signature_is_refused(room):
    body = room.started()
    token = sign(body)
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        assert refused(post(body, token)) == (401, "invalid_signature")


def test_a_token_for_a_room_signs_no_event(room, student, session):
    """Whoever may enter a room cannot say what happens there."""
    access = access_to(session, session.course.teacher)
    token = join_of(session, session.course.teacher, access, now=timezone.now()).token
    assert refused(post(room.joined(student, 3), token)) == (401, "invalid_signature")


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"{", b'"text"', b'{"event": 5}', b"{}", b'{"event": "room_started", "id": ""}'),
        json.dumps({"event": "x", "id": "E" * 101}).encode(),
    ],
)
def test_what_is_signed_and_no_event_is_refused(body):
    assert refused(post(body)) == (400, "malformed_event")


def test_ten_megabytes_are_refused():
    body = b"{" + b" " * 10_000_000 + b"}"
    assert refused(post(body)) == (413, "payload_too_large")


def test_64_kilobytes_are_the_most(room):
    body = room.started()
    assert post(body.ljust(64 * 1024)).status_code == 200
    WebhookEvent.objects.all().delete()
    assert refused(post(body.ljust(64 * 1024 + 1))) == (413, "payload_too_large")


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data; boundary=x"]
)
def test_another_type_is_refused(room, kind):
    answer = post(room.started(), content_type=kind)
    assert refused(answer) == (415, "unsupported_media_type")


def test_without_livekit_it_says_so(room):
    with override_settings(LIVEKIT_URL="", LIVEKIT_API_KEY="", LIVEKIT_API_SECRET=""):
        answer = post(room.started())
    assert refused(answer) == (503, "video_not_configured")
    assert answer.headers["Retry-After"] == "300"


def test_only_posts_are_taken(client):
    assert client.get(PATH).status_code == 405


def test_the_same_event_twice_is_answered_and_counts_once(room, student):
    body = room.joined(student, 3)
    assert [post(body).status_code for _ in range(3)] == [200] * 3
    assert WebhookEvent.objects.count() == 1
    assert Attendance.objects.count() == 1


def test_an_unknown_room_is_stored_and_ignored(room, student):
    room.session = CourseSession(room_name="somewhere", starts_at=timezone.now())
    assert post(room.joined(student, 3)).status_code == 200
    row = WebhookEvent.objects.get()
    assert (row.session, row.note) == (None, "ignored: not a room of ours")
    assert row.processed_at
    assert Attendance.objects.count() == 0


@pytest.mark.parametrize("kind", ["track_published", "egress_started", "something_new"])
def test_any_other_event_of_a_room_is_a_sign_of_it_and_no_more(room, session, kind):
    hear(room.event(kind, 3))
    assert WebhookEvent.objects.get().note == "done"
    watch = RoomWatch.objects.get()
    assert (watch.room_sid, watch.started_at, watch.seen_at) == (room.sid, None, room.at(3))
    session.refresh_from_db()
    assert session.status == "scheduled"


def test_who_is_no_user_is_ignored(room, session):
    recorder = student_with_credit("0.00")
    for identity in ("EG_recorder", "00000000-0000-7000-8000-000000000000", ""):
        body = room.joined(recorder, 3).replace(str(recorder.pk).encode(), identity.encode())
        hear(body)
    assert set(WebhookEvent.objects.values_list("note", flat=True)) == {"ignored: nobody of ours"}
    assert attendance_of(session) == {}


def test_a_room_that_starts_makes_its_session_live(room, session):
    hear(room.started())
    session.refresh_from_db()
    assert session.status == "live"


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_what_is_over_does_not_come_to_life(room, session, status):
    CourseSession.objects.filter(pk=session.pk).update(status=status)
    hear(room.started())
    session.refresh_from_db()
    assert session.status == status


def test_a_room_long_before_its_session_changes_nothing(room, session):
    hear(room.started(-11))
    session.refresh_from_db()
    assert session.status == "scheduled"


def test_what_is_stored_and_not_worked_in_is_not_lost(room, student, session, monkeypatch):
    """The process dies in between: the next pass of the job works it in, once."""

    class Killed(BaseException):
        pass

    def die(key):
        raise Killed

    monkeypatch.setattr(listening, "process_event", die)
    with pytest.raises(Killed):
        post(room.joined(student, 3))
    monkeypatch.undo()
    [row] = WebhookEvent.objects.all()
    assert (row.processed_at, Attendance.objects.count()) == (None, 0)
    assert process_event(row.pk)
    assert process_event(row.pk)
    assert Attendance.objects.get().user == student


@pytest.mark.parametrize("created_at", ["9223372036854775807", "0", "-5"])
def test_a_clock_that_cannot_be_read_says_nothing(room, student, created_at):
    wire = json.loads(room.joined(student, 0))
    hear(json.dumps(wire | {"createdAt": created_at}).encode())
    row = WebhookEvent.objects.get()
    assert (row.occurred_at, row.note) == (None, "ignored: it does not say when")
    assert not Attendance.objects.exists()
    assert not RoomWatch.objects.exists()


def test_the_password_of_the_relay_is_neither_kept_nor_logged(room, student, caplog):
    caplog.set_level("DEBUG")
    wire = json.loads(room.joined(student, 0))
    wire["room"]["turnPassword"] = "s3cret"
    hear(json.dumps(wire).encode())
    kept = json.loads(WebhookEvent.objects.get().body)
    del wire["room"]["turnPassword"]
    assert kept == wire
    assert "s3cret" not in caplog.text


def test_what_we_write_is_what_livekit_sends(room, student):
    """simulate_session speaks as LiveKit does."""
    for body in (room.started(), room.joined(student, 3), room.left(student, 9)):
        event = read(body.decode())
        assert isinstance(event, RoomEvent)
        assert read(write(event)) == event
        assert post(write(event).encode()).status_code == 200
