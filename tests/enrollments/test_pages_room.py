"""The page of a room: what it says before, during and after the session."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session
from payments.models import HoldPart
from tests.conversations import Room, hear
from tests.enrollments.room_page import (
    MINUTE,
    browser,
    get_state,
    order,
    path,
    session,
    student,
    teacher,
)
from tests.factories import (
    StaffFactory,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

__all__ = ["session", "student", "teacher"]

pytestmark = pytest.mark.django_db


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
