"""The room: who gets a pass, what its teacher does there, and what others try."""

import json
import logging
import traceback
from datetime import timedelta

import jwt
import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from livekit import api

from accounts.models import User
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session
from payments.models import HoldPart
from rooms.livekit import VideoRefused, make_room
from rooms.models import RoomDeed
from talkplatform.logs import Discreet
from tests.api.conftest import client_of
from tests.conversations import CONFIGURED, KEY, SECRET, Room, hear
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    access_to,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)
from tests.livekit import standing_still

pytestmark = pytest.mark.django_db
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


class TestThePage:
    def words(self, user, session):
        answer = browser(user).get(path(session))
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]
        return " ".join(answer.text.split())

    def test_is_shut_to_whoever_did_not_book(self, livekit, session):
        assert "You haven't booked this session" in self.words(student_with_credit(), session)

    def test_is_shut_after_cancelling(self, livekit, student):
        session = make_course().sessions.first()
        bought = purchase_session(student=student, session_id=session.pk)
        cancel_session_purchase(student=student, purchase_id=bought.pk)
        assert "but cancelled it" in self.words(student, session)

    def test_is_shut_when_the_session_is_called_off(self, livekit, session, student):
        cancel_session(session_id=session.pk, actor=StaffFactory())
        assert "The teacher cancelled this session" in self.words(student, session)

    def test_says_what_is_missing_without_video(self, session, student, teacher):
        for user in (student, teacher):
            assert "video is not set up on this site" in self.words(user, session)

    def test_says_when_it_is_over_and_leads_to_the_money(self, livekit, session, student):
        end_session(session)
        assert "This session has ended" in self.words(student, session)
        assert path(session, "after/") in self.words(student, session)

    def test_carries_no_pass_and_makes_no_room(self, livekit, session, student, teacher):
        for user in (student, teacher):
            assert "eyJ" not in self.words(user, session)
        assert livekit.asked == []

    def test_may_reach_livekit_and_no_other_page_may(self, livekit, session, student, settings):
        host = settings.LIVEKIT_URL.removeprefix("ws://")
        client = browser(student)
        policy = client.get(path(session)).headers["Content-Security-Policy"]
        assert f"connect-src 'self' ws://{host} http://{host};" in policy
        assert "script-src 'self';" in policy
        other = client.get("/learning/").headers["Content-Security-Policy"]
        assert host not in other
        assert "media-src" not in other
        settings.LIVEKIT_URL = "wss://video.example.org"
        policy = client.get("/room/check/").headers["Content-Security-Policy"]
        assert "'self' wss://video.example.org https://video.example.org;" in policy

    def test_of_a_draft_is_not_there(self, livekit, student):
        session = make_course(published=False).sessions.first()
        assert browser(student).get(path(session)).status_code == 404

    def test_asks_guests_to_log_in(self, session):
        door = path(session)
        assert Client().get(door).headers["Location"] == f"/login/?next={door}"

    def test_old_links_lead_there(self, session, student):
        answer = browser(student).get(f"/sessions/{session.pk}/join/")
        assert answer.headers["Location"] == path(session)


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


class TestTheState:
    def test_says_who_is_who_by_our_list(self, livekit, session, student, teacher):
        friend = student_with_credit("100.00")
        enroll_full_course(student=friend, course_id=session.course_id)
        told = get_state(student, session)
        assert told["me"] == {
            "identity": str(student.pk),
            "name": student.display_name,
            "teacher": False,
            "may_share": False,
            "removed": False,
        }
        assert told["ended_at"] is None
        names = {one["identity"]: (one["name"], one["teacher"]) for one in told["people"]}
        assert names.pop(str(teacher.pk)) == (teacher.display_name, True)
        # Who booked the course after the session had started does not have it.
        assert set(names) == {str(student.pk)}
        assert "@" not in json.dumps(told)

    def test_nobody_learns_before_who_else_comes(self, livekit, session, student, teacher):
        purchase = student_with_credit("100.00")
        start_session(session, ago=-60 * MINUTE)
        purchase_session(student=purchase, session_id=session.pk)
        people = {one["identity"] for one in get_state(student, session)["people"]}
        assert people == {str(student.pk), str(teacher.pk)}
        assert len(get_state(teacher, session)["people"]) == 3

    def test_says_who_is_here_since_when_from_our_evidence_and_who_came_first_first(
        self, livekit, session, student, teacher
    ):
        room = Room(session)
        hear(room.started(), room.joined(teacher, 0), room.joined(student, 1))
        hear(room.left(teacher, 2), room.joined(teacher, 6))
        hear(room.left(student, 4), room.joined(student, 5))
        present = {one["identity"]: one["since"] for one in get_state(teacher, session)["present"]}
        assert list(present) == [str(student.pk), str(teacher.pk)]
        hear(room.left(student, 7), room.joined(student, 8))
        again = [one["identity"] for one in get_state(teacher, session)["present"]]
        assert again == [str(teacher.pk), str(student.pk)]
        assert present[str(teacher.pk)].startswith(room.at(6).strftime("%Y-%m-%dT%H:%M:%S"))
        hear(room.left(student, 9))
        assert len(get_state(teacher, session)["present"]) == 1

    def test_asks_livekit_nothing(self, livekit, session, student):
        get_state(student, session)
        assert livekit.asked == []


class TestTheTeacher:
    def test_removes_a_student_who_stays_out_until_let_in(self, livekit, session, student, teacher):
        for somebody in (teacher, student):
            livekit.enter(session.room_name, somebody)
        for _ in range(2):
            told = order(teacher, session, student, "remove").json()
        assert [one["removed"] for one in told["people"]] == [False, True]
        assert livekit.inside(session.room_name) == [str(teacher.pk)]
        assert refused(post(student, session, "pass/")) == (409, "removed_from_room")
        assert access_to(session, student).reason == "purchased"
        assert get_state(student, session)["me"]["removed"]
        deed = RoomDeed.objects.get()
        assert (deed.kind, deed.user, deed.actor) == ("removed", student, teacher)
        assert order(teacher, session, student, "admit").status_code == 200
        assert post(student, session, "pass/").status_code == 200
        deed.refresh_from_db()
        assert (deed.undone_by, deed.undone_at is None) == (teacher, False)

    def test_the_api_gives_a_removed_student_no_pass(self, livekit, session, student, teacher):
        order(teacher, session, student, "remove")
        url = f"/api/enrollments/sessions/{session.pk}/access"
        told = client_of(student).get(url).json()
        assert (told["hasAccess"], told["reason"], told["join"]) == (True, "purchased", None)

    def test_lets_a_student_share_and_takes_it_back(self, livekit, session, student, teacher):
        livekit.enter(session.room_name, student)
        order(teacher, session, student, "share")
        assert "SCREEN_SHARE" in livekit.allowed(session.room_name, student)
        assert get_state(student, session)["me"]["may_share"]
        video = claims(post(student, session, "pass/"))["video"]
        assert "screen_share" in video["canPublishSources"]
        order(teacher, session, student, "unshare")
        assert livekit.allowed(session.room_name, student) == ["CAMERA", "MICROPHONE"]
        video = claims(post(student, session, "pass/"))["video"]
        assert video["canPublishSources"] == ["camera", "microphone"]

    def test_mutes_a_microphone_and_no_camera(self, livekit, session, student, teacher):
        livekit.enter(session.room_name, student)
        livekit.publish(session.room_name, student, "MICROPHONE", "CAMERA")
        assert order(teacher, session, student, "mute").status_code == 200
        assert livekit.muted(session.room_name, student) == ["MICROPHONE"]
        assert RoomDeed.objects.get().kind == "muted"

    @pytest.mark.parametrize("verb", ["remove", "mute", "share", "unshare", "admit"])
    def test_whoever_is_not_there_is_no_error(self, livekit, session, student, teacher, verb):
        assert order(teacher, session, student, verb).status_code == 200

    def test_ends_it_for_all_and_lets_it_go_on(self, livekit, session, student, teacher):
        for somebody in (teacher, student):
            livekit.enter(session.room_name, somebody)
        assert post(teacher, session, "end/").json()["ended_at"]
        assert livekit.rooms == {}
        for user in (student, teacher):
            assert refused(post(user, session, "pass/")) == (409, "session_ended_early")
        knocked = RoomDeed.objects.get(kind="knocked")
        assert knocked.user == student
        assert post(teacher, session, "resume/").json()["ended_at"] is None
        assert session.room_name in livekit.rooms
        assert post(student, session, "pass/").status_code == 200

    def test_is_told_when_livekit_is_away_and_it_is_written_down(
        self, livekit, session, student, teacher, settings
    ):
        settings.LIVEKIT_URL = "ws://127.0.0.1:1"
        assert refused(order(teacher, session, student, "remove")) == (503, "video_away")
        assert RoomDeed.objects.get().kind == "removed"

    @pytest.mark.parametrize("when", ["early", "over"])
    def test_does_nothing_outside_of_the_session(self, livekit, session, student, teacher, when):
        """Else a teacher could make a matter for staff of what was plainly missed."""
        start_session(session, ago=-20 * MINUTE) if when == "early" else end_session(session)
        code = {"early": "room_not_open", "over": "room_closed"}[when]
        assert refused(order(teacher, session, student, "remove")) == (409, code)
        assert refused(post(teacher, session, "end/")) == (409, code)
        assert refused(post(teacher, session, "resume/")) == (409, code)
        assert not RoomDeed.objects.exists()


class TestWhoTries:
    VERBS = ("remove", "admit", "mute", "share", "unshare")

    def all_of(self, user, session, student):
        answers = [order(user, session, student, verb) for verb in self.VERBS]
        return [*answers, *(post(user, session, f"{verb}/") for verb in ("end", "resume"))]

    @pytest.mark.parametrize("who", ["student", "another teacher", "staff", "a stranger"])
    def test_what_is_the_teachers(self, livekit, session, student, who):
        user = {
            "student": lambda: student,
            "another teacher": lambda: make_course().teacher,
            "staff": StaffFactory,
            "a stranger": student_with_credit,
        }[who]()
        for answer in self.all_of(user, session, student):
            assert refused(answer) == (404, "not_found")
        assert (RoomDeed.objects.count(), livekit.asked) == (0, [])

    def test_on_somebody_who_is_no_student_of_the_session(self, livekit, session, teacher):
        other = student_with_credit("100.00")
        purchase_session(student=other, session_id=make_course().sessions.first().pk)
        for person in (other, teacher):
            for verb in self.VERBS:
                assert refused(order(teacher, session, person, verb)) == (404, "not_found")
        assert (RoomDeed.objects.count(), livekit.asked) == (0, [])

    def test_what_is_no_verb(self, livekit, session, student, teacher):
        assert refused(order(teacher, session, student, "promote")) == (404, "not_found")

    def test_by_get(self, livekit, session, student, teacher):
        client = browser(teacher)
        for rest in ("end/", "resume/", f"people/{student.pk}/remove/"):
            assert client.get(path(session, rest)).status_code == 405

    def test_as_somebody_who_was_deactivated(self, livekit, session, teacher, student):
        client = browser(student)
        User.objects.filter(pk=student.pk).update(is_active=False)
        answer = client.post(path(session, "pass/"))
        assert refused(answer) == (401, "not_authenticated")


class TestAfter:
    def words(self, user, session):
        answer = browser(user).get(path(session, "after/"))
        assert answer.status_code == 200
        return " ".join(answer.text.split())

    def test_says_what_happens_to_the_money_and_when(self, livekit, session, student, teacher):
        room = Room(session)
        hear(room.started(), room.joined(student, 0), room.left(student, 5))
        said = self.words(student, session)
        assert "You were here for 5 of 60 min." in said
        assert "Your $16.00 is held until" in said
        start_session(session, ago=30 * MINUTE)
        said = self.words(teacher, session)
        assert "paid into your earnings after" in said

    def test_whoever_was_removed_reads_that_staff_decide(self, livekit, session, student, teacher):
        order(teacher, session, student, "remove")
        assert "Our staff will check this session" in self.words(student, session)

    def test_of_what_came_for_nothing_there_is_no_money_to_tell(self, livekit, session, student):
        HoldPart.objects.filter(session=session, hold__student=student).update(amount=0)
        said = self.words(student, session)
        assert "You paid nothing for this session, so no money moves." in said
        assert "$" not in said


def test_the_names_of_routes():
    key = "018f0000-0000-7000-8000-000000000000"
    assert reverse("enrollments:room", args=[key]) == f"/sessions/{key}/room/"
