"""Who gets a pass to a room and is let in, and that no pass is written anywhere."""

import logging
import traceback
from datetime import timedelta

import jwt
import pytest
from django.test import override_settings
from django.utils import timezone
from livekit import api

from rooms.livekit import VideoRefused, make_room
from rooms.models import RoomDeed
from talkplatform.logs import Discreet
from tests.conversations import CONFIGURED, SECRET
from tests.enrollments.room_page import (
    MINUTE,
    browser,
    claims,
    order,
    path,
    post,
    refused,
    session,
    student,
    teacher,
)
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    end_session,
    start_session,
    student_with_credit,
)
from tests.livekit import standing_still

__all__ = ["session", "student", "teacher"]

pytestmark = pytest.mark.django_db


class TestThePass:
    def test_comes_by_post_into_a_room_that_is_made(self, livekit, session, student):
        answer = post(student, session, "pass/")
        assert answer.json()["url"].startswith("ws://127.0.0.1:")
        assert "no-store" in answer.headers["Cache-Control"]
        video = claims(answer)["video"]
        assert (claims(answer)["sub"], video["room"]) == (str(student.pk), session.room_name)
        assert video["canPublishSources"] == ["camera", "microphone"]
        assert video["canSubscribe"] is False
        assert livekit.asked == ["CreateRoom"]
        kept = livekit.kept_open[session.room_name]
        assert abs(kept - 55 * 60) < 5

    def test_a_repeat_makes_no_second_room(self, livekit, session, student, teacher):
        post(student, session, "pass/")
        sid = livekit.rooms[session.room_name][0]
        post(teacher, session, "pass/")
        assert livekit.rooms[session.room_name][0] == sid

    def test_nobodys_runs_the_room_or_changes_a_name(self, livekit, session, student, teacher):
        for user in (student, teacher):
            video = claims(post(user, session, "pass/"))["video"]
            assert not video.get("roomAdmin")
            assert not video.get("canUpdateOwnMetadata")
            assert not video.get("roomCreate")
        assert "screen_share" in video["canPublishSources"]

    def test_is_never_had_by_get(self, livekit, session, student):
        assert browser(student).get(path(session, "pass/")).status_code == 405

    def test_not_from_another_site(self, livekit, session, student, teacher):
        strict = browser(student, enforce_csrf_checks=True)
        assert strict.post(path(session, "pass/")).status_code == 403
        strict = browser(teacher, enforce_csrf_checks=True)
        answer = strict.post(path(session, f"people/{student.pk}/remove/"))
        assert answer.status_code == 403
        assert not RoomDeed.objects.exists()

    def test_a_token_from_the_form_will_do(self, livekit, session, student):
        strict = browser(student, enforce_csrf_checks=True)
        page = strict.get(path(session))
        token = page.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        answer = strict.post(path(session, "pass/"), headers={"X-CSRFToken": token})
        assert answer.status_code == 200

    def test_not_for_guests_and_strangers(self, livekit, session):
        assert refused(post(None, session, "pass/")) == (401, "not_authenticated")
        for stranger in (student_with_credit(), TeacherFactory(), StaffFactory()):
            assert refused(post(stranger, session, "pass/")) == (404, "not_found")
            assert browser(stranger).get(path(session, "state/")).status_code == 404
            assert browser(stranger).get(path(session, "after/")).status_code == 404
        assert livekit.asked == []

    def test_neither_early_nor_late(self, livekit, session, student):
        start_session(session, ago=-11 * MINUTE)
        assert refused(post(student, session, "pass/")) == (409, "room_not_open")
        end_session(session)
        assert refused(post(student, session, "pass/")) == (409, "room_closed")
        assert livekit.asked == []

    def test_without_livekit_it_says_so_in_our_words(self, session, student):
        assert refused(post(student, session, "pass/")) == (503, "video_not_configured")
        with override_settings(**CONFIGURED):
            answer = post(student, session, "pass/")
        assert refused(answer) == (503, "video_away")
        assert "eyJ" not in answer.text

    def test_a_livekit_that_hangs_keeps_nobody_waiting(self, session, student, settings):
        settings.LIVEKIT_TIMEOUT_SECONDS = 0.2
        for name, value in CONFIGURED.items():
            setattr(settings, name, value)
        with standing_still() as settings.LIVEKIT_URL:
            started = timezone.now()
            assert refused(post(student, session, "pass/")) == (503, "video_away")
            assert timezone.now() - started < timedelta(seconds=1)

    def test_is_in_no_log(self, livekit, session, student, caplog):
        with caplog.at_level(logging.DEBUG):
            token = post(student, session, "pass/").json()["token"]
        assert token not in caplog.text


class TestBeingLetIn:
    def test_whoever_has_come_in_sees_and_hears_the_others(
        self, livekit, session, student, teacher
    ):
        name = session.room_name
        for user in (student, teacher):
            livekit.wait(name, user)
            assert post(user, session, "in/").status_code == 200
        assert livekit.receiving(name) == [str(student.pk), str(teacher.pk)]
        assert livekit.allowed(name, student) == ["CAMERA", "MICROPHONE"]
        assert "SCREEN_SHARE" in livekit.allowed(name, teacher)

    def test_whoever_may_share_may_still(self, livekit, session, student, teacher):
        order(teacher, session, student, "share")
        livekit.wait(session.room_name, student)
        post(student, session, "in/")
        assert "SCREEN_SHARE" in livekit.allowed(session.room_name, student)

    def test_nobody_else_is(self, livekit, session, student, teacher):
        name, stranger = session.room_name, student_with_credit()
        for user in (student, stranger):
            livekit.wait(name, user)
        order(teacher, session, student, "remove")
        livekit.wait(name, student)
        assert refused(post(student, session, "in/")) == (409, "removed_from_room")
        assert refused(post(stranger, session, "in/")) == (404, "not_found")
        assert refused(post(None, session, "in/")) == (401, "not_authenticated")
        assert livekit.receiving(name) == []

    def test_whoever_is_not_there_changes_nothing(self, livekit, session, student):
        assert post(student, session, "in/").status_code == 200

    def test_without_livekit_it_says_so(self, session, student):
        with override_settings(**CONFIGURED):
            assert refused(post(student, session, "in/")) == (503, "video_away")


def test_a_pass_that_is_logged_all_the_same_is_cut():
    token = jwt.encode({"sub": "somebody"}, SECRET, algorithm="HS256")
    record = logging.makeLogRecord({"msg": "invalid token: %s, go away", "args": (token,)})
    assert Discreet().filter(record)
    assert record.getMessage() == f"invalid token: {token[:6]}..., go away"


def test_what_livekit_quotes_of_ours_is_repeated_nowhere(
    livekit, session, student, caplog, monkeypatch
):
    sent = []

    async def quote(self, *args, **more):
        sent.append("eyJhbGci.of.ours")
        raise api.ServerError("unauthenticated", f"invalid token: {sent[0]}", status=401)

    monkeypatch.setattr("livekit.api.room_service.RoomService.create_room", quote)
    with caplog.at_level(logging.DEBUG):
        answer = post(student, session, "pass/")
        with pytest.raises(VideoRefused) as refused_by:
            make_room("a-room", empty_for=MINUTE)
    told = "".join(traceback.format_exception(refused_by.value))
    assert refused(answer) == (503, "video_away")
    assert sent
    assert sent[0] not in caplog.text + told + answer.text
