"""What a teacher does in the room, and what others try."""

import pytest

from accounts.models import User
from enrollments.services.purchasing import purchase_session
from rooms.models import RoomDeed
from tests.api.conftest import client_of
from tests.enrollments.room_page import (
    MINUTE,
    browser,
    claims,
    get_state,
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
    access_to,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

__all__ = ["session", "student", "teacher"]

pytestmark = pytest.mark.django_db


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
