"""Whoever has no right to be in a room is put out of it, whatever pass they have."""

import threading
import time
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from courses.models import CourseSession
from enrollments.errors import RefundLowered
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import (
    cancel_enrollment,
    enroll_full_course,
    hand_back_session,
)
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, change_session, delete_session
from payments.models import HoldPart, LedgerAccount
from rooms.attendance import attendance_in
from rooms.models import Attendance, RoomDeed
from settlement.services.deciding import refund_hold
from settlement.services.polling import Count, poll_rooms
from tests.conversations import Room, post
from tests.factories import StaffFactory, end_session, extend_course, make_course, start_session
from tests.factories import student_with_credit as new_student
from tests.livekit import standing_still

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SOON = -5 * MINUTE  # the door opens ten minutes before the start


def soon():
    """A start before which the door is open."""
    return timezone.now() - SOON


@pytest.fixture
def student():
    return new_student("100.00")


@pytest.fixture
def session():
    return make_course().sessions.first()


@pytest.fixture
def teacher(session):
    return session.course.teacher


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Does something, and what comes after its commit."""

    def act(change, **arguments):
        with django_capture_on_commit_callbacks(execute=True):
            return change(**arguments)

    return act


def poll():
    out = StringIO()
    call_command("poll_rooms", stdout=out)
    return out.getvalue().strip()


def wallet(user):
    return LedgerAccount.objects.get(owner=user, kind="wallet").balance


def buy_single(student, session):
    bought = purchase_session(student=student, session_id=session.pk)
    start_session(session, ago=SOON)
    return bought


def enroll(student, session):
    bought = enroll_full_course(student=student, course_id=session.course_id)
    start_session(session, ago=SOON)
    return bought


def by_cancelling_a_single(student, session):
    bought = buy_single(student, session)
    return cancel_session_purchase, {"student": student, "purchase_id": bought.pk}


def by_cancelling_the_course(student, session):
    bought = enroll(student, session)
    return cancel_enrollment, {"student": student, "enrollment_id": bought.pk}


def by_handing_it_back(student, session):
    bought = enroll(student, session)
    starts_at = timezone.now() + 6 * MINUTE
    change_session(session_id=session.pk, actor=session.course.teacher, starts_at=starts_at)
    return hand_back_session, {
        "student": student,
        "enrollment_id": bought.pk,
        "session_id": session.pk,
    }


def by_a_refund_of_staff(student, session):
    bought = buy_single(student, session)
    start_session(session)
    return refund_hold, {"hold_id": bought.hold.pk, "actor": StaffFactory(), "reason": "Ill"}


def by_a_refund_of_one_part(student, session):
    bought = enroll(student, session)
    start_session(session)
    part = bought.hold.parts.get(session=session)
    decide = {"hold_id": bought.hold.pk, "actor": StaffFactory(), "reason": "Ill"}
    return refund_hold, decide | {"part_ids": [part.pk]}


ENDINGS = [
    by_cancelling_a_single,
    by_cancelling_the_course,
    by_handing_it_back,
    by_a_refund_of_staff,
    by_a_refund_of_one_part,
]


@pytest.mark.parametrize("ending", ENDINGS)
def test_whoever_gives_the_session_back_leaves_its_room(
    livekit, committed, student, session, teacher, ending
):
    friend = new_student("100.00")
    purchase_session(student=friend, session_id=session.pk)
    end, arguments = ending(student, session)
    stay = [teacher, friend, "EG_recorder", str(uuid4())]
    for somebody in (*stay, student):
        livekit.enter(session.room_name, somebody)
    committed(end, **arguments)
    assert livekit.inside(session.room_name) == [str(getattr(one, "pk", one)) for one in stay]


def test_nobody_is_asked_where_the_room_is_not_open_yet(livekit, committed, student, session):
    bought = enroll_full_course(student=student, course_id=session.course_id)
    committed(cancel_enrollment, student=student, enrollment_id=bought.pk)
    assert livekit.asked == []


def test_what_is_refused_puts_nobody_out(livekit, committed, student, session):
    cancel, arguments = by_cancelling_the_course(student, session)
    livekit.enter(session.room_name, student)
    with pytest.raises(RefundLowered):
        committed(cancel, **arguments, expected_refund=1000)
    assert livekit.inside(session.room_name) == [str(student.pk)]
    assert livekit.asked == []


def test_a_refund_after_the_end_asks_nobody(livekit, committed, student, session):
    bought = buy_single(student, session)
    end_session(session, ago=11 * MINUTE)
    committed(refund_hold, hold_id=bought.hold.pk, actor=StaffFactory(), reason="Was ill")
    assert livekit.asked == []


@pytest.mark.django_db(transaction=True)
def test_many_decisions_of_staff_look_into_the_room_once(livekit, client, session):
    client.force_login(StaffFactory())
    students = [new_student("16.00") for _ in range(3)]
    holds = [buy_single(student, session).hold.pk for student in students]
    for student in students:
        livekit.enter(session.room_name, student)
    parts = HoldPart.objects.filter(hold__in=holds).values_list("pk", flat=True)
    sent = {"hold": holds, "part": [*parts], "reason": "The platform failed"}
    assert client.post("/admin/payments/paymenthold/decide/refund/", sent).status_code == 302
    assert HoldPart.objects.filter(status="refunded").count() == 3
    assert livekit.asked == ["ListParticipants", *["RemoveParticipant"] * 3]


def test_a_session_called_off_closes_its_room(livekit, committed, student, session, teacher):
    buy_single(student, session)
    buy_single(new_student("100.00"), session)
    for somebody in (student, teacher, "EG_recorder"):
        livekit.enter(session.room_name, somebody)
    committed(cancel_session, session_id=session.pk, actor=teacher)
    assert livekit.rooms == {}
    assert livekit.asked == ["DeleteRoom"]


@pytest.mark.django_db(transaction=True)
def test_a_session_called_off_for_many_asks_once(livekit):
    """Each of their enrolments ends with it, and so does their way into a free session."""
    course = make_course(sessions=1)
    session, teacher = course.sessions.get(), course.teacher
    students = [new_student("100.00") for _ in range(3)]
    for student in students:
        enroll_full_course(student=student, course_id=course.pk)
    free = extend_course(course, starts_at=timezone.now() + timedelta(days=9))
    for one in (session, free):
        start_session(one, ago=SOON)
    for somebody in (teacher, *students):
        livekit.enter(free.room_name, somebody)
    cancel_session(session_id=session.pk, actor=teacher)
    assert not CourseEnrollment.objects.exclude(status="cancelled").exists()
    assert livekit.inside(free.room_name) == [str(teacher.pk)]
    assert livekit.asked == ["DeleteRoom", "ListParticipants", *["RemoveParticipant"] * 3]


def test_a_session_that_is_deleted_leaves_no_room(livekit, committed, session, teacher):
    start_session(session, ago=SOON)
    livekit.enter(session.room_name, teacher)
    committed(delete_session, session_id=session.pk, actor=teacher)
    assert livekit.rooms == {}


def test_a_move_that_shuts_the_door_closes_the_room(livekit, committed, student, session, teacher):
    buy_single(student, session)
    livekit.enter(session.room_name, student)
    move = {"session_id": session.pk, "actor": teacher}
    committed(change_session, **move, starts_at=timezone.now() + 9 * MINUTE)
    assert livekit.inside(session.room_name) == [str(student.pk)]
    committed(change_session, **move, starts_at=timezone.now() + 7 * 24 * 60 * MINUTE)
    assert livekit.rooms == {}


def test_an_old_pass_lets_nobody_in_again(livekit, committed, student, session, teacher):
    """LiveKit says that somebody came in, whose right to be there has ended."""
    cancel, arguments = by_cancelling_a_single(student, session)
    cancel(**arguments)
    room = Room(session)
    livekit.enter(session.room_name, teacher)
    livekit.enter(session.room_name, student)
    # The session starts in five minutes.
    assert committed(post, body=room.joined(student, -5)).status_code == 200
    assert livekit.inside(session.room_name) == [str(teacher.pk)]
    livekit.asked.clear()
    committed(post, body=room.joined(teacher, -5))
    assert livekit.asked == []


@pytest.mark.parametrize("kind", ["participant_joined", "track_published", "track_unpublished"])
def test_whomever_livekit_names_is_put_out_where_they_may_not_be_there(
    livekit, committed, student, session, teacher, kind
):
    """Whatever they do there: the first event may have been lost."""
    cancel, arguments = by_cancelling_a_single(student, session)
    cancel(**arguments)
    room = Room(session)
    room.joined(student, -5)
    livekit.enter(session.room_name, student)
    committed(post, body=room.event(kind, -5, student))
    assert livekit.inside(session.room_name) == []
    livekit.asked.clear()
    committed(post, body=room.left(student, -5))
    assert livekit.asked == []


@pytest.mark.parametrize("by", ["webhook", "poll"])
def test_who_is_deactivated_or_was_removed_goes_out(
    livekit, committed, student, session, teacher, by
):
    other = new_student("100.00")
    purchase_session(student=other, session_id=session.pk)
    buy_single(student, session)
    User.objects.filter(pk=student.pk).update(is_active=False)
    RoomDeed.objects.create(session=session, kind="removed", user=other, actor=teacher)
    for somebody in (student, other, teacher, "EG_recorder"):
        livekit.enter(session.room_name, somebody)
    if by == "poll":
        poll()
    else:
        for somebody in (student, other):
            committed(post, body=Room(session).joined(somebody, -5))
    assert livekit.inside(session.room_name) == [str(teacher.pk), "EG_recorder"]


@pytest.mark.parametrize("by", ["webhook", "poll"])
def test_who_waits_in_a_room_is_let_in_or_put_out(
    livekit, committed, student, session, teacher, by
):
    """Whatever became of their page: nobody sees or hears anybody before they were looked at."""
    buy_single(student, session)
    stranger, name = new_student("0.00"), session.room_name
    RoomDeed.objects.create(session=session, kind="sharing", user=student, actor=teacher)
    for somebody in (student, teacher, stranger, "EG_recorder"):
        livekit.wait(name, somebody)
    if by == "poll":
        poll()
    else:
        for somebody in (student, teacher, stranger):
            committed(post, body=Room(session).waits(somebody, -5))
    assert livekit.inside(name) == [str(student.pk), str(teacher.pk), "EG_recorder"]
    assert livekit.receiving(name) == [str(student.pk), str(teacher.pk)]
    assert "SCREEN_SHARE" in livekit.allowed(name, student)
    livekit.asked.clear()
    poll()
    assert "UpdateParticipant" not in livekit.asked


def test_the_door_is_kept_though_somebody_else_is_at_the_session(
    livekit, committed, student, session, monkeypatch
):
    """Another event is processed meanwhile: this one waits for the job, its user does not."""
    cancel, arguments = by_cancelling_a_single(student, session)
    cancel(**arguments)
    livekit.enter(session.room_name, student)
    monkeypatch.setattr("rooms.services.events.claim_session", lambda key: None)
    committed(post, body=Room(session).joined(student, -5))
    assert livekit.inside(session.room_name) == []


def test_whoever_opens_a_closed_room_again_is_alone_for_a_moment(
    livekit, committed, student, session
):
    buy_single(student, session)
    CourseSession.objects.filter(pk=session.pk).update(status="cancelled")
    livekit.enter(session.room_name, student)
    committed(post, body=Room(session).joined(student, -5))
    assert livekit.rooms == {}


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
        paid = 100 - wallet(student)
        livekit.enter(session.room_name, student)
        started = time.monotonic()
        committed(end, **arguments)
        assert time.monotonic() - started < 1.5
        assert wallet(student) > 100 - paid
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
