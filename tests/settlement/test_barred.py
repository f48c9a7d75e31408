"""Whoever was kept out of a room has not missed it, and the register says what happened."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from enrollments.services.purchasing import purchase_session
from payments.models import HoldPart
from rooms.attendance import attendance_in
from rooms.models import Attendance, RoomDeed, RoomWatch
from settlement.services.settling import settle_all
from tests.balances import balance
from tests.conversations import Room, hear
from tests.factories import (
    StaffFactory,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def student():
    return student_with_credit("16.00")


@pytest.fixture
def session(student):
    session = make_course().sessions.first()
    purchase_session(student=student, session_id=session.pk)
    end_session(session, ago=60 * MINUTE)
    return session


@pytest.fixture
def teacher(session):
    return session.course.teacher


@pytest.fixture
def part(student, session):
    return HoldPart.objects.get(session=session)


def deed(session, kind, minute, user, actor, **more):
    at = session.starts_at + minute * MINUTE
    return RoomDeed.objects.create(
        session=session, kind=kind, user=user, actor=actor, at=at, **more
    )


def settled(part, session, teacher, *visits):
    """What becomes of the part where the teacher was there for all of a watched session."""
    room = Room(session)
    hear(*room.throughout(*room.visit(teacher, 0, 60), *(visit(room) for visit in visits)))
    list(settle_all())
    part.refresh_from_db()
    return part.status, part.reason, part.review_reason


class TestNeverMissed:
    def test_who_stays_away_by_choice_has_missed_it(self, part, session, teacher):
        assert settled(part, session, teacher)[:2] == ("refunded", "missed")

    @pytest.mark.parametrize("no_show", ["refund", "release"])
    @pytest.mark.parametrize("minute", [-5, 0, 5, 59])
    def test_whom_the_teacher_removed(
        self, part, session, teacher, student, settings, no_show, minute
    ):
        """Even before LiveKit had ever seen them, when no event says that they were removed."""
        settings.NO_SHOW = no_show
        deed(session, "removed", minute, student, teacher)
        status, reason, review = settled(part, session, teacher)
        assert (status, reason) == ("pending", "")
        assert review.startswith("The student was removed from the room.")
        assert balance(student) == 0

    def test_whom_the_teacher_let_in_again(self, part, session, teacher, student):
        again = session.starts_at + 55 * MINUTE
        deed(session, "removed", 1, student, teacher, undone_at=again, undone_by=teacher)
        assert settled(part, session, teacher)[0] == "pending"

    def test_who_came_after_it_was_ended_early(self, part, session, teacher, student):
        deed(session, "knocked", 20, student, student)
        status, _, review = settled(part, session, teacher)
        assert status == "pending"
        assert "after the teacher had ended the session early" in review

    def test_who_had_attended_by_then_has(self, part, session, teacher, student):
        deed(session, "removed", 40, student, teacher)
        visits = [lambda room: room.joined(student, 0), lambda room: room.put_out(student, 40)]
        assert settled(part, session, teacher, *visits)[:2] == ("released", "attended")

    def test_and_nobody_else(self, session, teacher, student):
        other = student_with_credit("16.00")
        start_session(session, ago=-MINUTE)
        purchase_session(student=other, session_id=session.pk)
        end_session(session, ago=60 * MINUTE)
        deed(session, "removed", 5, student, teacher)
        part = HoldPart.objects.get(session=session, hold__student=other)
        assert settled(part, session, teacher)[:2] == ("refunded", "missed")


class TestTheRegister:
    def lines(self, session, teacher):
        browser = Client()
        browser.force_login(teacher)
        page = browser.get(f"/teaching/sessions/{session.pk}/")
        found = [attendee.register for attendee in page.context["attendees"]]
        return [[entry.happened for entry in lines] for lines in found], page

    def test_tells_a_line_that_broke_from_somebody_who_left(self, session, teacher, student):
        room = Room(session)
        hear(
            *(room.joined(student, 0), room.ended(student, 10, "SIGNAL_CLOSE")),
            *(room.joined(student, 11), room.ended(student, 20, "CONNECTION_TIMEOUT")),
            *(room.joined(student, 21), room.ended(student, 30, "CLIENT_INITIATED")),
        )
        [lines], page = self.lines(session, teacher)
        assert lines == ["connection lost", "connection lost", "left"]
        assert page.text.count("connection lost") == 2
        row = Attendance.objects.order_by("joined_at").first()
        assert row.disconnect_reason == "SIGNAL_CLOSE"

    def test_a_reason_that_our_library_does_not_know_is_no_error(self, session, teacher, student):
        room = Room(session)
        hear(room.joined(student, 0))
        wire = json.loads(room.left(student, 9))
        wire["participant"]["disconnectReason"] = 99
        hear(json.dumps(wire).encode())
        assert self.lines(session, teacher)[0] == [["left"]]

    def test_has_removals_and_who_knocked(self, session, teacher, student):
        end = session.starts_at + 8 * MINUTE
        deed(session, "removed", 5, student, teacher, undone_at=end, undone_by=teacher)
        deed(session, "knocked", 30, student, student)
        [lines], _ = self.lines(session, teacher)
        assert lines == [
            "Removed by the teacher; let in again",
            "Came after the session had been ended early",
        ]

    def test_says_how_much_was_held(self, session, teacher):
        deed(session, "ended", 18, None, teacher)
        assert (
            "Ended early for everyone: 18 of 60 min held." in self.lines(session, teacher)[1].text
        )


class TestDropped:
    def retold(self, body, dropped):
        return json.dumps(json.loads(body) | {"numDropped": dropped}).encode()

    def test_what_livekit_dropped_was_not_watched(self, part, session, teacher, student):
        room = Room(session)
        hear(room.started(), room.joined(teacher, 0))
        hear(self.retold(room.left(teacher, 60), 2), room.finished(60))
        assert RoomWatch.objects.get(room_sid=room.sid).num_dropped == 2
        evidence = attendance_in([session]).evidence[session.pk]
        assert evidence.unwatched == 60 * MINUTE
        list(settle_all())
        part.refresh_from_db()
        assert (part.status, bool(part.review_reason)) == ("pending", True)

    def test_nothing_dropped_was_watched(self, session, teacher):
        room = Room(session)
        hear(*room.throughout(self.retold(room.joined(teacher, 0), 0)))
        assert attendance_in([session]).evidence[session.pk].unwatched == 0 * MINUTE


def test_staff_read_what_was_done_in_rooms(session, teacher, student):
    deed(session, "removed", 5, student, teacher)
    browser = Client()
    browser.force_login(StaffFactory())
    assert "Removed a student" in browser.get("/admin/rooms/roomdeed/").text
