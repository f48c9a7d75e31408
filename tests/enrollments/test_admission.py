"""Whoever has no right to be in a room is put out of it, whatever pass they have."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from courses.models import CourseSession
from enrollments.errors import RefundLowered
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session, change_session, delete_session
from payments.models import HoldPart
from rooms.models import RoomDeed
from settlement.services.deciding import refund_hold
from tests.conversations import Room, post
from tests.enrollments.leaving import (
    ENDINGS,
    MINUTE,
    SOON,
    buy_single,
    by_cancelling_a_single,
    by_cancelling_the_course,
    poll,
    session,
    student,
    teacher,
)
from tests.factories import StaffFactory, end_session, extend_course, make_course, start_session
from tests.factories import student_with_credit as new_student

__all__ = ["session", "student", "teacher"]

pytestmark = pytest.mark.django_db


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
    for somebody in students:
        livekit.enter(session.room_name, somebody)
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
    for somebody in students:
        enroll_full_course(student=somebody, course_id=course.pk)
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
