"""What is settled while something else happens to it: each race, and its twin."""

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from common.models import LockingQuerySet
from enrollments.services import lifecycle
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from payments.models import HoldPart, Transfer
from rooms import livekit
from rooms.livekit import Connection
from rooms.models import Attendance, RoomWatch, WebhookEvent
from rooms.services import signs
from rooms.services.events import store_event
from settlement.services import settling
from settlement.services.listening import process_event, record_answer
from settlement.services.settling import Tally, settle_all, settle_hold
from talkplatform.models import Job
from tests.balances import balance
from tests.concurrency.conftest import forget_statements
from tests.concurrency.racing import kinds, race
from tests.concurrency.test_kill import connections, wait_until_rolled_back
from tests.conversations import Room, attend, configured, hear, post
from tests.factories import StaffFactory, end_session, make_course, student_with_credit
from tests.serving import kill, running

__all__ = ["configured"]

pytestmark = [
    pytest.mark.mariadb,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("configured"),
]
HOUR = timedelta(hours=1)


@pytest.fixture
def unlocked(without_locks, monkeypatch):
    """Nor is a row claimed."""
    monkeypatch.setattr(LockingQuerySet, "claimed", lambda rows: rows)
    forget_statements()


@pytest.fixture
def student():
    return student_with_credit("100.00")


@pytest.fixture
def course():
    return make_course()


@pytest.fixture
def session(course):
    return course.sessions.first()


@pytest.fixture
def enrollment(student, course, session):
    """Of a course whose first session is over, and was attended."""
    return take_part(student, session)


def take_part(student, session):
    bought = enroll_full_course(student=student, course_id=session.course_id)
    end_session(session, ago=HOUR)
    attend(session, student, session.course.teacher)
    return bought


def settle():
    return sum(settle_all(), Tally())


def cancel(enrollment):
    return lambda: cancel_enrollment(student=enrollment.user, enrollment_id=enrollment.pk)


def call_off(session):
    staff = StaffFactory()  # it has begun
    return lambda: cancel_session(session_id=session.pk, actor=staff)


def crowd(session, size):
    """So many students who paid for a session that is over and was attended."""
    people = [student_with_credit("16.00") for _ in range(size)]
    for one in people:
        purchase_session(student=one, session_id=session.pk)
    end_session(session, ago=HOUR)
    attend(session, *people, session.course.teacher)
    return people


def test_any_number_of_jobs_settle_each_hold_once(session, retried, broken):
    crowd(session, 12)
    outcomes = race(*[settle] * 4)
    settle()
    assert kinds(outcomes) == {"Tally": 4}
    assert sum(done.released for done in outcomes) == 12
    assert sum(done.failed for done in outcomes) == 0
    assert balance(session.course.teacher, "earnings") == 12 * Decimal("11.20")
    assert retried == []
    assert broken() == {}


def test_without_the_claim_the_database_refuses_the_second(enrollment, unlocked, meeting):
    meeting().after(lifecycle, "lock_pending_parts")
    outcomes = race(*[lambda: settle_hold(enrollment.hold.pk)] * 2)
    assert kinds(outcomes) == {"Tally": 1, "IntegrityError": 1}


def test_what_is_being_cancelled_is_left_to_the_next_pass(enrollment, interruption, broken):
    """The job waits for nobody: there are other holds."""
    interruption.before(lifecycle, "give_back")
    done, meanwhile = race(cancel(enrollment), interruption.by(settle))
    assert meanwhile == Tally(busy=1)
    assert done.refund_amount == Decimal("85.72")
    assert settle().released_amount == Decimal("14.28")
    assert broken() == {}


def test_cancelled_and_settled_at_once_each_part_ends_once(retried, broken):
    for _ in range(5):
        student, session = student_with_credit("100.00"), make_course().sessions.first()
        enrollment = take_part(student, session)
        done, _ = race(cancel(enrollment), settle)
        settle()
        assert done.refund_amount == balance(student) == Decimal("85.72")
        assert balance(session.course.teacher, "earnings") == Decimal("9.99")
    assert retried == []
    assert broken() == {}


def test_without_the_claim_one_forgets_what_the_other_moved(enrollment, unlocked, meeting, broken):
    meeting().after(lifecycle, "lock_pending_parts")
    race(cancel(enrollment), lambda: settle_hold(enrollment.hold.pk))
    assert "I4" in broken()


def test_called_off_and_settled_at_once_it_is_either(retried, broken):
    for _ in range(5):
        student, session = student_with_credit("100.00"), make_course().sessions.first()
        take_part(student, session)
        race(call_off(session), settle)
        settle()
        part = HoldPart.objects.get(session=session)
        assert (part.status, part.reason) in {
            ("released", "attended"),
            ("refunded", "session_cancelled"),
        }
    assert retried == []
    assert broken() == {}


def test_without_the_claim_it_is_both(enrollment, session, unlocked, interruption, broken):
    interruption.after(settling, "attendance_in")
    race(lambda: settle_hold(enrollment.hold.pk), interruption.by(call_off(session)))
    part = HoldPart.objects.get(session=session)
    assert set(Transfer.objects.filter(hold_part=part).values_list("kind", flat=True)) == {
        "release",
        "refund",
    }
    assert {"I2", "I4"} <= broken().keys()


def stored(body):
    """An event as it is between its answer and being worked in."""
    return store_event(livekit.read(body.decode()), body.decode())


def missed_by(student, session):
    """A session that the student seems to have missed, and the event that says otherwise."""
    purchase_session(student=student, session_id=session.pk)
    end_session(session, ago=HOUR)
    room = attend(session, session.course.teacher)
    return room.joined(student, 0)


def test_an_event_that_comes_with_the_settlement_is_seen_or_noted(retried, broken):
    for _ in range(8):
        student, session = student_with_credit("16.00"), make_course().sessions.first()
        body = missed_by(student, session)
        race(lambda b=body: process_event(stored(b)), settle)
        settle()
        part = HoldPart.objects.get(session=session)
        assert part.reason == "attended" or "late events" in part.review_reason
    assert retried == []
    assert broken() == {}


def test_without_the_lock_it_is_neither(student, session, unlocked, interruption):
    body = missed_by(student, session)
    interruption.after(settling, "attendance_in")
    race(settle, interruption.by(lambda: process_event(stored(body))))
    part = HoldPart.objects.get(session=session)
    assert (part.reason, part.review_reason) == ("missed", "")


def test_the_same_event_at_once_is_stored_and_counted_once(student, session, broken):
    body = missed_by(student, session)
    Attendance.objects.all().delete()
    WebhookEvent.objects.all().delete()
    answers = race(*[lambda: post(body).status_code] * 8)
    assert answers == [200] * 8
    assert (WebhookEvent.objects.count(), Attendance.objects.count()) == (1, 1)


def test_looked_up_before_it_is_written_the_database_refuses_it(
    student, session, monkeypatch, meeting
):
    body = missed_by(student, session)
    both = meeting()

    def naive(rows, defaults, **key):
        found = rows.filter(**key).first()
        both.wait()
        return found or rows.create(**key, **defaults), found is None

    monkeypatch.setattr(LockingQuerySet, "get_or_create", naive)
    assert kinds(race(*[lambda: stored(body)] * 2)) == {"UUID": 1, "IntegrityError": 1}


def test_worked_in_by_two_at_once_an_event_counts_once(student, session, retried):
    body = missed_by(student, session)
    key = stored(body)
    race(*[lambda: process_event(key)] * 4)
    assert process_event(key)
    assert Attendance.objects.filter(user=student).count() == 1
    assert retried == []


def test_a_poll_that_comes_with_the_settlement_is_seen_or_noted(retried, broken):
    for _ in range(8):
        student, session = student_with_credit("16.00"), make_course().sessions.first()
        missed_by(student, session)
        there = Connection(identity=str(student.pk), sid="PA_1", joined_at=session.starts_at)
        answer = {"room_sid": "RM_1", "at": session.ends_at}
        race(lambda s=session, t=there, a=answer: record_answer(s.pk, [t], **a), settle)
        settle()
        part = HoldPart.objects.get(session=session)
        assert part.reason == "attended" or "late events" in part.review_reason
    assert retried == []
    assert broken() == {}


@pytest.fixture
def comes_as_the_room_ends(student, session, monkeypatch, interruption):
    """Gives the room of a join that was noted just as news of the room's end came."""

    def play():
        end_session(session, ago=HOUR)
        room = Room(session)
        hear(room.started())
        joined, finished = stored(room.joined(student, 0)), stored(room.finished(10))
        add = signs.add_event

        def add_and_wait(watch, kind, at):
            add(watch, kind, at)
            if kind == "participant_joined":
                interruption.wait()

        monkeypatch.setattr(signs, "add_event", add_and_wait)
        race(lambda: process_event(joined), interruption.by(lambda: process_event(finished)))
        process_event(finished)
        return RoomWatch.objects.get()

    return play


def test_one_event_of_a_room_after_the_other(comes_as_the_room_ends):
    room = comes_as_the_room_ends()
    assert room.finished_at - room.started_at == timedelta(minutes=11)


def test_without_the_claim_one_forgets_what_the_other_noted(comes_as_the_room_ends, unlocked):
    assert comes_as_the_room_ends().finished_at is None


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_job_killed_half_way_is_done_by_the_next(session, broken):
    crowd(session, 60)
    others = connections()
    with running("manage.py", "settle_sessions") as job:
        wait_for(Transfer.objects.filter(kind="release").exists)
        kill(job)
    wait_until_rolled_back(others)
    settled = HoldPart.objects.filter(status="released").count()
    assert 0 < settled < 60
    assert broken() == {}
    assert settle().released == 60 - settled
    assert settle() == Tally()
    assert broken() == {}


def test_the_jobs_stop_between_two_holds_when_told(session, broken):
    crowd(session, 60)
    environment = {"DJANGO_SETTINGS_MODULE": "talkplatform.settings"}
    with running("manage.py", "run_jobs", **environment) as jobs:
        wait_for(Transfer.objects.filter(kind="release").exists)
        jobs.terminate()
        assert jobs.wait(timeout=8) == 0
    job = Job.objects.get(pk="settle_sessions")
    assert (job.leased_by, job.leased_until, job.last_finished, job.error) == ("", None, None, "")
    assert job.due < timezone.now()
    settled = HoldPart.objects.filter(status="released").count()
    assert 0 < settled < 60
    assert settle().released == 60 - settled
    assert broken() == {}
