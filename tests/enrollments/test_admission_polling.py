"""The job puts out whoever has no right to be in a room, and sees to the rooms themselves."""

import threading
import time

import pytest
import time_machine
from django.core.management import CommandError

from courses.models import CourseSession
from enrollments.services.sessions import cancel_session, delete_session
from rooms.attendance import attendance_in
from rooms.models import Attendance, RoomDeed
from settlement.services.polling import Count, poll_rooms
from tests.balances import balance
from tests.enrollments.leaving import (
    ENDINGS,
    MINUTE,
    SOON,
    buy_single,
    by_cancelling_a_single,
    poll,
    session,
    soon,
    student,
    teacher,
)
from tests.factories import end_session, extend_course, start_session
from tests.factories import student_with_credit as new_student
from tests.livekit import standing_still

__all__ = ["session", "student", "teacher"]

pytestmark = pytest.mark.django_db


class TestPolling:
    def test_it_puts_out_whoever_came_back(self, livekit, student, session, teacher):
        cancel, arguments = by_cancelling_a_single(student, session)
        cancel(**arguments)
        for somebody in (teacher, student, "EG_recorder"):
            livekit.enter(session.room_name, somebody)
        assert poll() == "1 of 1 rooms are open, 2 people in them, put out 1"
        assert livekit.inside(session.room_name) == [str(teacher.pk), "EG_recorder"]
        assert poll() == "1 of 1 rooms are open, 1 people in them"

    @pytest.mark.parametrize(("minutes", "closed"), [(9, False), (10, True)])
    def test_it_closes_rooms_ten_minutes_after_the_end_and_asks_who_is_in_first(
        self, livekit, student, session, minutes, closed
    ):
        buy_single(student, session)
        end_session(session, ago=minutes * MINUTE)
        joined_at = int(session.starts_at.timestamp())
        livekit.enter(session.room_name, student, joined_at=joined_at)
        told = poll()
        assert (session.room_name in livekit.rooms) is not closed
        assert ("closed 1" in told) is closed
        assert Attendance.objects.get().user == student

    def test_it_closes_rooms_of_what_was_called_off_or_moved(self, livekit, teacher, session):
        off = session.course.sessions.last()
        cancel_session(session_id=off.pk, actor=teacher)
        livekit.enter(off.room_name, teacher)
        livekit.enter(session.room_name, teacher)  # which is tomorrow
        assert "closed 2" in poll()
        assert livekit.rooms == {}

    def test_it_watches_a_session_whose_door_opens_and_shuts_with_it(
        self, livekit, student, session, settings
    ):
        settings.JOIN_OPENS_MINUTES = settings.ROOM_CLOSES_MINUTES = 0
        buy_single(student, session)
        for minutes in range(-3, 64):
            with time_machine.travel(session.starts_at + (minutes + 0.5) * MINUTE, tick=False):
                poll()
        assert attendance_in([session]).evidence[session.pk].unwatched == 0 * MINUTE

    @pytest.mark.parametrize("state", ["opens", "called off", "ended early", "over", "not yet"])
    def test_it_makes_each_room_that_opens(self, livekit, session, teacher, state):
        start_session(session, ago=SOON)
        if state == "called off":
            CourseSession.objects.filter(pk=session.pk).update(status="cancelled")
        elif state == "ended early":
            RoomDeed.objects.create(session=session, kind="ended", actor=teacher)
        elif state == "over":
            end_session(session)
        elif state == "not yet":
            start_session(session, ago=-11 * MINUTE)
        told = poll()
        assert ("made 1" in told) == (session.room_name in livekit.rooms) == (state == "opens")
        if state == "opens":
            assert abs(livekit.kept_open[session.room_name] - 65 * 60) < 5
            assert "made" not in poll()

    def test_rooms_of_others_stay_as_they_are(self, livekit, student):
        livekit.enter("somebody-else's", student)
        assert poll() == "0 of 0 rooms are open, 0 people in them"
        assert livekit.asked == ["ListRooms"]
        assert livekit.inside("somebody-else's")

    def test_one_that_is_deleted_meanwhile_keeps_no_other_waiting(
        self, livekit, student, session, teacher
    ):
        """Else its teacher could see to it that no room is watched."""
        added = [extend_course(session.course, starts_at=soon()) for _ in range(3)]
        for one in added:
            livekit.enter(one.room_name, student)
        counts = poll_rooms()
        next(counts)
        delete_session(session_id=added[1].pk, actor=teacher)
        assert sum(counts, Count()) == Count(sessions=2, open=2, people=1, put_out=2)
        assert [livekit.inside(one.room_name) for one in added] == [[], [], []]

    def test_one_that_livekit_refuses_keeps_no_other_waiting(
        self, livekit, student, session, monkeypatch
    ):
        other = session.course.sessions.last()
        for one in (session, other):
            start_session(one)
            livekit.enter(one.room_name, student)
        answer = livekit.answer

        def refuse(call, body):
            return None if session.room_name.encode() in body else answer(call, body)

        monkeypatch.setattr(livekit, "answer", refuse)
        with pytest.raises(CommandError, match="1 failed"):
            poll()
        assert livekit.inside(other.room_name) == []

    @pytest.mark.parametrize(("hanging", "told"), [(1, "1 failed"), (2, "no answer within")])
    def test_one_that_hangs_keeps_no_other_waiting_but_a_second_ends_the_pass(
        self, livekit, student, session, monkeypatch, settings, hanging, told
    ):
        settings.LIVEKIT_TIMEOUT_SECONDS = 0.3
        start_session(session)
        rooms = [session, *(extend_course(session.course, starts_at=soon()) for _ in range(2))]
        for one in rooms:
            livekit.enter(one.room_name, "EG_recorder")
        livekit.enter(rooms[2].room_name, student)
        answer, over = livekit.answer, threading.Event()

        def hang(call, body):
            if any(one.room_name.encode() in body for one in rooms[:hanging]):
                over.wait(10)
            return answer(call, body)

        monkeypatch.setattr(livekit, "answer", hang)
        with pytest.raises(CommandError, match=told):
            poll()
        over.set()
        assert (str(student.pk) in livekit.inside(rooms[2].room_name)) == (hanging == 2)


@pytest.fixture(params=["not listening", "standing still"])
def away(request, livekit, settings):
    """LiveKit does not answer; gives what brings it back."""
    url, settings.LIVEKIT_TIMEOUT_SECONDS = settings.LIVEKIT_URL, 0.2

    def come_back():
        settings.LIVEKIT_URL, settings.LIVEKIT_TIMEOUT_SECONDS = url, 2

    if request.param == "not listening":
        settings.LIVEKIT_URL = "ws://127.0.0.1:1"
        yield come_back
        return
    with standing_still() as settings.LIVEKIT_URL:
        yield come_back


class TestWithoutLiveKit:
    @pytest.mark.parametrize("ending", ENDINGS)
    def test_money_moves_all_the_same_and_the_next_pass_puts_out(
        self, livekit, away, committed, student, session, ending, caplog
    ):
        end, arguments = ending(student, session)
        paid = 100 - balance(student)
        livekit.enter(session.room_name, student)
        started = time.monotonic()
        committed(end, **arguments)
        assert time.monotonic() - started < 1.5
        assert balance(student) > 100 - paid
        assert "left to poll_rooms" in caplog.text
        assert livekit.inside(session.room_name) == [str(student.pk)]
        with pytest.raises(CommandError):
            poll()
        away()
        poll()
        assert livekit.inside(session.room_name) == []

    def test_calling_off_goes_on(self, livekit, away, committed, session, teacher):
        for _ in range(3):
            buy_single(new_student("16.00"), session)
        livekit.enter(session.room_name, teacher)
        started = time.monotonic()
        committed(cancel_session, session_id=session.pk, actor=teacher)
        assert time.monotonic() - started < 1.5
        away()
        assert "closed 1" in poll()
        assert livekit.rooms == {}
