"""Staff decide on a hold while somebody else moves its money: each race, and its twin."""

from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier, Event

import pytest

from enrollments.access import admitted
from enrollments.errors import SoldOut
from enrollments.services import lifecycle, purchasing
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.models import LedgerAccount, PaymentHold
from rooms.models import Attendance
from settlement.services.deciding import refund_hold, release_hold
from settlement.services.settling import settle_hold
from tests.concurrency.racing import TIMEOUT_SECONDS, kinds, race
from tests.factories import StaffFactory, end_session, make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def boss():
    return StaffFactory()


@pytest.fixture
def enrollment():
    """Seven sessions for 100.00, all to come."""
    student = student_with_credit("100.00")
    return enroll_full_course(student=student, course_id=make_course().pk)


@pytest.fixture
def over(enrollment):
    """The same, all over since yesterday."""
    for session in enrollment.course.sessions.all():
        end_session(session, ago=timedelta(days=1))
    return enrollment


@pytest.fixture
def last_seat():
    """The only seat of a session that is to come."""
    session = make_course(sessions=1, max_students=1).sessions.get()
    return purchase_session(student=student_with_credit("16.00"), session_id=session.pk)


def decide(service, enrollment, boss):
    return lambda: service(hold_id=enrollment.hold.pk, actor=boss, reason="A complaint")


def wallet_of(enrollment):
    return LedgerAccount.objects.get(owner=enrollment.user, kind="wallet").balance


def test_a_hold_is_refunded_once(enrollment, boss, retried, broken):
    outcomes = race(*[decide(refund_hold, enrollment, boss)] * 8)
    assert kinds(outcomes) == {"Decision": 1, "HoldSettled": 7}
    assert wallet_of(enrollment) == 100
    enrollment.course.refresh_from_db()
    assert enrollment.course.current_students == 0
    assert retried == []
    assert broken() == {}


def test_without_the_lock_the_database_refuses_the_second(enrollment, boss, without_locks, meeting):
    meeting().after(lifecycle, "lock_pending_parts")
    outcomes = race(*[decide(refund_hold, enrollment, boss)] * 2)
    assert kinds(outcomes) == {"Decision": 1, "IntegrityError": 1}


def test_what_is_released_is_not_refunded_too(over, boss, retried, broken):
    outcomes = race(*(decide(s, over, boss) for s in (refund_hold, release_hold) * 4))
    assert kinds(outcomes) == {"Decision": 1, "HoldSettled": 7}
    hold = PaymentHold.objects.get(pk=over.hold.pk)
    assert {hold.released_amount, hold.refunded_amount} == {0, 100}
    assert retried == []
    assert broken() == {}


def test_without_the_lock_it_is_released_and_refunded(over, boss, without_locks, meeting, broken):
    """The race is real: the keys of a release and of a refund differ, so both go out of escrow."""
    meeting().after(lifecycle, "lock_pending_parts")
    outcomes = race(decide(refund_hold, over, boss), decide(release_hold, over, boss))
    assert kinds(outcomes)["Decision"] == 2
    assert "I2" in broken() or "I4" in broken()


def test_student_and_staff_free_one_seat(enrollment, boss, retried, broken):
    def cancel():
        return cancel_enrollment(student=enrollment.user, enrollment_id=enrollment.pk)

    outcomes = race(*[cancel, decide(refund_hold, enrollment, boss)] * 3)
    done = kinds(outcomes)
    assert done["Cancellation"] + done["Decision"] == 1
    assert wallet_of(enrollment) == 100
    enrollment.course.refresh_from_db()
    assert enrollment.course.current_students == 0
    assert retried == []
    assert broken() == {}


def test_settlement_and_staff_settle_each_part_once(over, boss, retried, broken):
    """Settlement knows who came to the first session, and puts the others under review."""
    session = over.course.sessions.first()
    for number, user in enumerate((over.user, over.course.teacher)):
        Attendance.objects.create(
            session=session,
            user=user,
            connection=f"PA_{number}",
            room_sid="RM_1",
            joined_at=session.starts_at,
            left_at=session.ends_at,
            seen_at=session.ends_at,
            source="webhook",
        )

    def settle():
        return settle_hold(over.hold.pk)

    outcomes = kinds(race(*[settle, decide(release_hold, over, boss)] * 3))
    assert outcomes == {"Tally": 3, "Decision": 1, "HoldSettled": 2}
    earned = LedgerAccount.objects.get(owner=over.course.teacher, kind="earnings")
    assert earned.balance == 70
    assert retried == []
    assert broken() == {}


def test_a_refunded_seat_admits_one_at_every_moment(last_seat, boss, retried, broken):
    """Whoever looks sees its former owner, nobody, or its next one; never two."""
    rivals, session = [student_with_credit("16.00") for _ in range(2)], last_seat.session
    everybody = [last_seat.user_id, *(rival.pk for rival in rivals)]
    refunded, sold, seen = Event(), Barrier(3), set()

    def refund():
        decision = decide(refund_hold, last_seat, boss)()
        refunded.set()
        return decision

    def buy(student):
        try:
            while True:
                last_try = refunded.is_set()
                with suppress(SoldOut):
                    return purchase_session(student=student, session_id=session.pk)
                if last_try:
                    return None
        finally:
            sold.wait(TIMEOUT_SECONDS)

    def look():
        while sold.n_waiting != 2:
            seen.add(frozenset(admitted(session, everybody)))
        sold.wait(TIMEOUT_SECONDS)

    outcomes = kinds(race(refund, look, *(partial(buy, rival) for rival in rivals)))
    assert outcomes == {"Decision": 1, "SessionPurchase": 1, "NoneType": 2}
    assert {len(people) for people in seen} <= {0, 1}
    assert admitted(session, everybody) < {rival.pk for rival in rivals}
    assert retried == []
    assert broken() == {}


def test_without_the_lock_a_refunded_seat_admits_two(
    last_seat, boss, without_locks, meeting, broken
):
    """The race is real: both find the seat that was given back, and both may come."""
    rivals, session = [student_with_credit("16.00") for _ in range(2)], last_seat.session
    decide(refund_hold, last_seat, boss)()
    meeting().before(purchasing, "_insert_purchase")
    race(*(lambda s=s: purchase_session(student=s, session_id=session.pk) for s in rivals))
    assert admitted(session, [rival.pk for rival in rivals]) == {rival.pk for rival in rivals}
    assert {"I7", "I15"} <= broken().keys()
