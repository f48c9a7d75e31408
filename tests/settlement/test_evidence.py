"""What is known of a room decides about money; what nobody knows, staff do."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from courses.models import CourseSession
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import move_session
from payments.models import HoldPart
from rooms.attendance import Presence, attendance_of
from rooms.livekit import Connection
from rooms.models import Attendance, RoomWatch
from settlement.services.listening import record_answer
from settlement.services.settling import settle_all
from settlement.verdicts import NO_EVIDENCE, reason_for
from tests.conversations import Room, hear
from tests.factories import end_session, make_course, start_session, student_with_credit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]
MINUTE, HOUR, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(weeks=1)
UNDER_REVIEW, TEACHER_ABSENT, ATTENDED, MISSED = "", "teacher_absent", "attended", "missed"


@pytest.fixture
def student():
    return student_with_credit("100.00")


@pytest.fixture
def session(student):
    """An hour that the student has paid for, over since an hour."""
    session = make_course().sessions.first()
    purchase_session(student=student, session_id=session.pk)
    end_session(session, ago=HOUR)
    return session


@pytest.fixture
def teacher(session):
    return session.course.teacher


@pytest.fixture
def room(session):
    return Room(session)


def poll(room, *minutes, there=(), active=True, is_open=True):
    """LiveKit answers at these minutes that these people are in the room."""
    for minute in minutes:
        people = [
            Connection(
                identity=str(user.pk),
                sid=room.connections[user][0],
                joined_at=room.at(room.connections[user][1]),
                active=active,
            )
            for user in there
        ]
        sid = room.sid if is_open else ""
        record_answer(room.session.pk, people, room_sid=sid, at=room.at(minute))


def poll_throughout(room, **more):
    poll(room, *range(-10, 71), **more)


def outcome(session) -> str:
    list(settle_all())
    part = HoldPart.objects.get(session=session)
    assert bool(part.review_reason) is (part.status == "pending")
    return part.reason


def minutes(session, user) -> int:
    return attendance_of(session).get(user.pk, Presence(0 * MINUTE, HOUR)).minutes


class TestNobodyWasThere:
    """Clients opened signalling and went away, as often as they liked."""

    @pytest.fixture(autouse=True)
    def _twelve_that_came_to_nothing(self, configured, room, student, teacher):
        hear(room.started())
        for minute in range(0, 60, 5):
            for user in (student, teacher):
                room.joined(user, minute)
                hear(room.event("participant_connection_aborted", minute + 4, user))

    def test_nobody_is_seen(self, session):
        assert attendance_of(session) == {}

    def test_nor_is_the_teacher_absent_where_nobody_watched(self, session):
        assert outcome(session) == UNDER_REVIEW

    def test_the_teacher_is_absent_where_the_room_was_watched(self, room, session):
        hear(room.finished(61))
        assert outcome(session) == TEACHER_ABSENT

    def test_a_poll_that_sees_them_on_their_way_sees_nobody(self, room, session, student, teacher):
        poll_throughout(room, there=[student, teacher], active=False)
        assert outcome(session) == TEACHER_ABSENT

    def test_a_student_who_never_got_in_has_missed_it(self, room, session, teacher):
        hear(*room.visit(teacher, 0, 60), room.finished(61))
        assert outcome(session) == MISSED


class TestLiveKitDied:
    """It was killed, and started again a while later: nobody says that anybody left."""

    def die(self, session, *people, after, back=None, until=60):
        first = Room(session)
        hear(first.started(-2), *(first.joined(one, -1) for one in people))
        hear(first.event("track_published", after))
        if back is not None:
            second = Room(session)
            hear(second.started(back), *(b for p in people for b in second.visit(p, back, until)))
            hear(second.finished(until))
        return first

    def test_after_five_minutes_nobody_knows(self, session, student, teacher):
        self.die(session, student, teacher, after=5)
        assert minutes(session, student) == 5
        assert outcome(session) == UNDER_REVIEW

    def test_what_came_before_and_after_counts(self, session, student, teacher):
        self.die(session, student, teacher, after=20, back=22)
        assert minutes(session, student) == 20 + 38
        assert outcome(session) == ATTENDED

    def test_who_did_not_come_back_is_vouched_for_to_the_last_poll(self, session, student, teacher):
        first = self.die(session, student, teacher, after=-1, back=22, until=23)
        poll(first, *range(-10, 11), there=[student, teacher])
        poll(first, *range(22, 71), is_open=False)
        assert minutes(session, teacher) == 10 + 1
        # Between the answers of 10 and 22 nobody watched.
        assert outcome(session) == UNDER_REVIEW


ELSEWHEN = [
    pytest.param(lambda room, who: room.event("track_published", 10), id="a track"),
    pytest.param(lambda room, who: room.started(-24 * 60), id="a start of the day before"),
    pytest.param(lambda room, who: room.joined(who, -9), id="an early join and silence"),
    pytest.param(lambda room, who: room.joined(who, 3), id="a join and silence"),
    pytest.param(
        lambda room, who: room.joined(who, 0).replace(str(who.pk).encode(), b"EG_recorder"),
        id="a recorder",
    ),
    pytest.param(
        lambda room, who: json.dumps(
            json.loads(room.joined(who, 0)) | {"createdAt": "9223372036854775807"}
        ).encode(),
        id="a clock that cannot be read",
    ),
    pytest.param(lambda room, who: room.finished(60), id="an end without a beginning"),
]


@pytest.mark.parametrize("event", ELSEWHEN)
def test_what_says_nothing_of_the_lesson_makes_nobody_absent(session, room, student, event):
    hear(event(room, student))
    assert outcome(session) == UNDER_REVIEW
    assert HoldPart.objects.get(session=session).review_reason == NO_EVIDENCE


class TestTheTeacherDoesNotCome:
    """The student comes, waits five minutes, and goes; ten minutes after the start it is empty."""

    @pytest.fixture(autouse=True)
    def _waits(self, configured, room, student):
        hear(room.started(-1), *room.visit(student, 0, 5), room.finished(10))

    def test_nobody_knows_of_the_rest(self, session):
        assert outcome(session) == UNDER_REVIEW
        assert HoldPart.objects.get(session=session).review_reason == (
            "It is not known who was there for 50 of 60 minutes. "
            "Teacher: 0 to 50 minutes, student: 5 to 55."
        )

    def test_with_polls_it_is_known(self, room, session):
        poll(room, *range(-10, 11))
        poll(room, *range(11, 71), is_open=False)
        assert outcome(session) == TEACHER_ABSENT
        assert RoomWatch.objects.filter(session=session, room_sid="").count() == 1

    def test_with_polls_that_break_off_it_is_not(self, room, session):
        poll(room, *range(9, 40), is_open=False)
        poll(room, *range(51, 71), is_open=False)
        assert outcome(session) == UNDER_REVIEW

    def test_how_far_polls_may_lie_apart_is_a_setting(self, room, session, settings):
        settings.POLLS_APART_MINUTES = 11
        poll(room, *range(9, 40), is_open=False)
        poll(room, *range(50, 71), is_open=False)
        assert outcome(session) == TEACHER_ABSENT


class TestBothWays:
    """A verdict has to be the same with the time that nobody knows of and without it."""

    def test_enough_is_enough_whatever_came_later(self, room, session, student, teacher):
        hear(*room.visit(student, 0, 12), *room.visit(teacher, 0, 12))
        assert outcome(session) == ATTENDED

    def test_too_little_of_the_student_may_be_more(self, room, session, student, teacher):
        hear(room.started(), *room.visit(student, 0, 5), *room.visit(teacher, 0, 30))
        hear(room.finished(53))
        assert outcome(session) == UNDER_REVIEW

    def test_too_little_of_the_student_stays_too_little(self, room, session, student, teacher):
        hear(room.started(), *room.visit(student, 0, 5), *room.visit(teacher, 0, 30))
        hear(room.finished(54))
        assert outcome(session) == MISSED

    def test_the_teacher_is_absent_only_if_all_is_known(self, room, session, student):
        hear(room.started(1), *room.visit(student, 1, 60), room.finished(60))
        assert outcome(session) == UNDER_REVIEW

    @pytest.mark.parametrize(
        ("teacher", "student", "reason"),
        [
            ((12, 0), (12, 0), "attended"),
            ((12, 0), (11, 0), "missed"),
            ((12, 30), (6, 5), "missed"),
            ((12, 30), (6, 6), None),
            ((11, 0), (60, 0), "teacher_absent"),
            ((11, 1), (60, 0), None),
            ((0, 1), (0, 1), None),
        ],
    )
    def test_the_table(self, teacher, student, reason):
        presences = [
            Presence(known * MINUTE, HOUR, unknown * MINUTE)
            for known, unknown in (teacher, student)
        ]
        assert reason_for(*presences) == reason


class TestPolls:
    def test_they_alone_tell_who_was_there(self, room, session, student, teacher):
        room.joined(student, 1), room.joined(teacher, 0)
        poll_throughout(room, there=[student, teacher])
        assert minutes(session, student) == 59
        assert outcome(session) == ATTENDED

    def test_one_that_does_not_find_somebody_says_that_they_left(self, room, session, student):
        """The news of it was lost; that of the room's end came."""
        hear(room.started(), room.joined(student, 0))
        poll(room, *range(-1, 6), there=[student])
        poll(room, *range(6, 61))
        hear(room.finished(61))
        assert minutes(session, student) == 6

    def test_one_that_missed_somebody_is_made_good_by_the_next(self, room, session, student):
        hear(room.started(), room.joined(student, 0))
        poll(room, 5)
        poll(room, 6, there=[student])
        hear(room.finished(61))
        assert minutes(session, student) == 60

    def test_in_any_order_they_make_one_run(self, room, session):
        poll(room, 0, 30, 10, 20, 5, 40)
        poll(room, *range(0, 61, 5))
        hear(*room.visit(session.course.teacher, 0, 5))
        assert outcome(session) == TEACHER_ABSENT

    def test_one_that_comes_late_is_for_staff(self, room, session, student, teacher):
        """The job stood still; what it says once it runs speaks against what was settled."""
        hear(*room.throughout(*room.visit(teacher, 0, 60)))
        assert outcome(session) == MISSED
        room.connections[student] = ("PA_student", 0)
        poll(room, 65, there=[student])
        part = HoldPart.objects.get(session=session)
        assert (part.reason, part.review_reason) == (
            MISSED,
            "According to late events, the teacher was there for 60 minutes, the student for 60.",
        )


class TestMoved:
    @pytest.fixture
    def session(self, student):
        """It starts in two minutes."""
        session = make_course().sessions.first()
        purchase_session(student=student, session_id=session.pk)
        start_session(session, ago=-2 * MINUTE)
        return session

    @pytest.fixture
    def waiting(self, room, student, teacher):
        hear(room.started(-9), room.joined(student, -8), room.joined(teacher, -7))
        session = CourseSession.objects.get(pk=room.session.pk)
        assert session.status == "live"
        return session

    def move(self, session, by):
        moved = move_session(
            session_id=session.pk,
            actor=session.course.teacher,
            starts_at=session.starts_at + by,
            duration_minutes=60,
        )
        assert moved.status == "scheduled"
        return moved

    def when_settled(self, session):
        """It is looked at once the grace is over."""
        return time_machine.travel(session.settles_at + MINUTE, tick=True)

    def test_an_open_connection_counts_for_no_other_date(self, waiting, student):
        moved = self.move(waiting, WEEK)
        with self.when_settled(moved):
            room = Room(moved)
            hear(*room.throughout())
            assert attendance_of(moved) == {}
            assert outcome(moved) == TEACHER_ABSENT

    def test_nor_does_what_is_heard_of_its_room(self, waiting, room, student):
        """LiveKit was away when the room should have been closed."""
        moved = self.move(waiting, WEEK)
        with self.when_settled(moved):
            room.session = moved
            hear(room.event("track_published", 30), room.finished(61))
            assert attendance_of(moved) == {}

    @pytest.mark.parametrize("by", ["polls", "its end"])
    def test_who_waits_while_it_is_moved_by_ten_minutes_was_there(
        self, waiting, room, student, teacher, by
    ):
        moved = self.move(waiting, 10 * MINUTE)
        with self.when_settled(moved):
            if by == "polls":
                # The room's minutes go by the start that it had.
                poll(room, *range(-1, 72), there=[student, teacher])
                poll(room, *range(72, 80), is_open=False)
            else:
                hear(room.left(student, 71), room.left(teacher, 71), room.finished(71))
            assert (minutes(moved, student), minutes(moved, teacher)) == (60, 60)
            assert outcome(moved) == ATTENDED


class TestPutOut:
    """Whom the teacher puts out has not missed the session; what they are owed, staff decide."""

    @pytest.fixture
    def leave(self, room, session, student, teacher):
        def end(*bodies):
            hear(room.started(), *room.visit(teacher, 0, 60), *bodies, room.finished(60))
            return outcome(session)

        return end

    def test_too_soon(self, leave, room, session, student):
        assert leave(room.joined(student, 0), room.put_out(student, 5)) == UNDER_REVIEW
        assert HoldPart.objects.get(session=session).review_reason == (
            "The student was removed from the room. Teacher: 60 minutes, student: 5."
        )

    def test_after_enough_they_were_there(self, leave, room, student):
        assert leave(room.joined(student, 0), room.put_out(student, 12)) == ATTENDED

    def test_while_they_wait_for_it(self, leave, room, student):
        assert leave(room.joined(student, -5), room.put_out(student, -1)) == UNDER_REVIEW

    def test_before_they_were_in(self, leave, room, student):
        room.joined(student, 5)
        out = room.put_out(student, 5)
        aborted = out.replace(b"participant_left", b"participant_connection_aborted")
        assert leave(aborted) == UNDER_REVIEW

    def test_after_the_session_it_is_no_matter(self, leave, room, student):
        assert leave(room.joined(student, 55), room.put_out(student, 60)) == MISSED

    def test_whoever_leaves_of_themselves_has_missed_it(self, leave, room, student):
        assert leave(*room.visit(student, 0, 5)) == MISSED


def test_a_late_join_with_a_lost_end_changes_nothing_that_is_known(room, session, student, teacher):
    hear(*room.throughout(*room.visit(teacher, 0, 60)))
    assert outcome(session) == MISSED
    other = Room(session)
    hear(other.joined(student, 10))
    assert HoldPart.objects.get(session=session).review_reason == ""
    assert Attendance.objects.filter(user=student).exists()


def test_a_session_under_review_is_completed_all_the_same(session):
    assert outcome(session) == UNDER_REVIEW
    session.refresh_from_db()
    assert session.status == "completed"
    assert session.settles_at < timezone.now()
