"""Whatever breaks, wherever it breaks: all of an operation happened, or nothing of it."""

from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tokens import open_family
from common import transactions
from common.errors import Unavailable
from common.transactions import TRIES, operation
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import (
    cancel_enrollment,
    enroll_full_course,
    hand_back_session,
)
from enrollments.services.lifecycle import end_enrollment
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import (
    cancel_session,
    delete_session,
    move_session,
    refund_cancelled_session,
)
from payments.idempotency import Answer, answer_once
from payments.models import Transfer
from payments.processors.rehearsal import play
from payments.services.topups import request_top_up, settle_top_up
from payments.services.withdrawals import complete_withdrawal, reject_withdrawal
from rooms import livekit
from rooms.rehearsal import conversation
from rooms.services.events import store_event
from settlement.services.deciding import refund_hold
from settlement.services.listening import process_event
from settlement.services.settling import settle_all, settle_hold
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    earn,
    end_session,
    extend_course,
    make_course,
    start_session,
    student_with_credit,
    top_up_of,
    withdraw,
)

pytestmark = pytest.mark.django_db(transaction=True)

DEADLOCK, LOCK_WAIT, LOST = 1213, 1205, 2013


class PulledPlugError(Exception):
    """No error of the database, and none of ours: nobody catches it by intent."""


class Fault:
    """Counts the statements; raises `error` instead of the k-th, and `times` - 1 after it."""

    def __init__(self, k: int = 0, error: Exception | None = None, times: int = 1) -> None:
        self.seen, self.k, self.times = 0, k, times
        self.error = error or PulledPlugError()

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith(("SAVEPOINT", "ROLLBACK", "RELEASE")):
            return execute(sql, params, many, context)
        self.seen += 1
        if self.k and self.k <= self.seen < self.k + self.times:
            raise self.error
        return execute(sql, params, many, context)


def rows():
    """Every row of every table of ours."""
    ours = ("accounts", "courses", "enrollments", "payments")
    models = [model for app in ours for model in apps.get_app_config(app).get_models()]
    return {model: sorted(model.objects.values_list(), key=str) for model in models}


class World:
    """A student who has bought, or is about to, and can put it all back."""

    def __init__(self):
        self.student = student_with_credit("500.00")
        self.course = make_course(sessions=3)
        self.sessions = list(self.course.sessions.all())

    def enroll(self):
        return enroll_full_course(student=self.student, course_id=self.course.pk)

    def purchase(self):
        return purchase_session(student=self.student, session_id=self.sessions[0].pk)

    def add(self):
        return extend_course(self.course, starts_at=timezone.now() + 20 * DAY)

    def call_off(self, *sessions):
        for session in sessions:
            cancel_session(session_id=session.pk, actor=self.course.teacher)


def enroll_with_folding():
    world = World()
    world.purchase()
    return world.enroll


def purchase():
    return World().purchase


def cancel_a_course():
    world = World()
    bought = world.enroll()
    return lambda: cancel_enrollment(student=world.student, enrollment_id=bought.pk)


def cancel_a_session():
    world = World()
    bought = world.purchase()
    return lambda: cancel_session_purchase(student=world.student, purchase_id=bought.pk)


def hand_back():
    world = World()
    bought, moved = world.enroll(), world.sessions[0]
    move_session(
        session_id=moved.pk,
        actor=world.course.teacher,
        starts_at=timezone.now() + 9 * DAY,
        duration_minutes=60,
    )
    return lambda: hand_back_session(
        student=world.student, enrollment_id=bought.pk, session_id=moved.pk
    )


def move():
    world = World()
    world.enroll()
    return lambda: move_session(
        session_id=world.sessions[0].pk,
        actor=world.course.teacher,
        starts_at=timezone.now() + 9 * DAY,
        duration_minutes=90,
    )


def delete():
    """A session that nobody booked, and of whose room something is known."""
    world = World()
    session = world.sessions[0]
    tell(session, world.course.teacher)
    return lambda: delete_session(session_id=session.pk, actor=world.course.teacher)


def hand_back_the_last():
    """The others were called off; the enrolment ends, and what was free with it."""
    world = World()
    bought, last = world.enroll(), world.sessions[2]
    world.add()
    move_session(
        session_id=last.pk,
        actor=world.course.teacher,
        starts_at=timezone.now() + 9 * DAY,
        duration_minutes=60,
    )
    world.call_off(*world.sessions[:2])
    return lambda: hand_back_session(
        student=world.student, enrollment_id=bought.pk, session_id=last.pk
    )


def decide_on_a_course():
    world, staff = World(), StaffFactory()
    bought = world.enroll()
    keys = list(bought.hold.parts.values_list("pk", flat=True))
    world.add()
    return lambda: refund_hold(
        hold_id=bought.hold.pk, actor=staff, reason="A complaint", part_ids=keys
    )


def end_a_course():
    """All is called off but what was free, and then something broke."""
    world = World()
    bought = world.enroll()
    world.add()
    for session in world.sessions:
        type(session).objects.filter(pk=session.pk).update(status="cancelled")
        refund_cancelled_session(session, actor=None)
    return lambda: end_enrollment(bought.pk)


def buy_with_a_key():
    world = World()

    def act():
        world.enroll()
        return Answer(201, {})

    return lambda: answer_once(user=world.student, key="k", request="r", act=act)


def ask_for_a_payout():
    teacher = TeacherFactory()
    earn(teacher)
    return lambda: withdraw(teacher)


def asked_for(status, act):
    """A withdrawal in this status, and what `act` does to it."""
    teacher, staff = TeacherFactory(), StaffFactory()
    earn(teacher)
    made = withdraw(teacher, status=status)
    return lambda: act(withdrawal_id=made.pk, actor=staff)


def pay_out():
    return asked_for("approved", partial(complete_withdrawal, reference="SEPA 1"))


def send_back():
    return asked_for("requested", partial(reject_withdrawal, reason="Name unknown"))


def ask_for_a_top_up():
    request = partial(request_top_up, amount=Decimal("20.00"), method="rehearsal")
    return override_settings(PAYMENTS="rehearsal")(partial(request, user=UserFactory()))


def credit_a_top_up():
    """It is paid for, and nobody has asked about it yet."""
    made = top_up_of(UserFactory(), play_it="")
    play(made, "paid")
    return override_settings(PAYMENTS="rehearsal")(lambda: settle_top_up(made.pk))


def settle_a_hold():
    """Released, refunded and under review, all at once."""
    world = World()
    bought = world.enroll()
    attended, missed, unheard = world.sessions
    for session, people in ((attended, [world.student]), (missed, [])):
        end_session(session, ago=DAY)
        tell(session, world.course.teacher, *people)
    end_session(unheard, ago=DAY)
    return lambda: settle_hold(bought.hold.pk)


def work_in_an_event():
    world = World()
    start_session(world.sessions[0])
    event = conversation(world.sessions[0], {world.student: ((0, 1),)})[1]
    key = store_event(event, livekit.write(event))
    return lambda: process_event(key)


def tell(session, *people):
    """News of a room in which these people were throughout."""
    for event in conversation(session, dict.fromkeys(people, ((0, 1),))):
        process_event(store_event(event, livekit.write(event)))


def statements_of(act):
    """How many statements it takes; it is done for good."""
    fault = Fault()
    with connection.execute_wrapper(fault):
        act()
    return fault.seen


OPERATIONS = [
    enroll_with_folding,
    purchase,
    cancel_a_course,
    cancel_a_session,
    hand_back,
    move,
    delete,
    hand_back_the_last,
    decide_on_a_course,
    end_a_course,
    buy_with_a_key,
    ask_for_a_top_up,
    credit_a_top_up,
    settle_a_hold,
    work_in_an_event,
    ask_for_a_payout,
    pay_out,
    send_back,
]


@pytest.mark.parametrize("prepare", OPERATIONS)
def test_broken_off_at_any_statement_nothing_has_happened(prepare, broken):
    statements = statements_of(prepare())
    assert statements > 3
    act = prepare()
    before = rows()
    for k in range(1, statements + 1):
        with connection.execute_wrapper(Fault(k)), pytest.raises(PulledPlugError):
            act()
        assert rows() == before, f"statement {k}"
    act()
    assert rows() != before
    assert broken() == {}


def test_a_session_called_off_goes_on_where_it_was_broken_off(broken):
    """One transaction a hold: after each break the books are right, and a repeat does the rest."""

    def prepare():
        world, other = World(), student_with_credit("16.00")
        world.enroll()
        world.add()
        session, *others = world.sessions
        world.call_off(*others)
        purchase_session(student=other, session_id=session.pk)
        return lambda: cancel_session(session_id=session.pk, actor=world.course.teacher)

    statements = statements_of(prepare())
    for k in range(1, statements + 1):
        act = prepare()
        with connection.execute_wrapper(Fault(k)), pytest.raises(PulledPlugError):
            act()
        assert broken() == {}, f"statement {k}"
        act()
        assert Transfer.objects.filter(kind="refund").count() == 4 * (k + 1)
        assert not CourseEnrollment.objects.live().exists()
    assert broken() == {}


def test_a_settlement_goes_on_where_it_was_broken_off(broken):
    """Whatever fails is left as it was, and the rest done; a repeat does what was left."""

    def prepare():
        world, other = World(), student_with_credit("16.00")
        world.enroll()
        world.add()
        session, called_off, last = world.sessions
        world.call_off(last)
        purchase_session(student=other, session_id=session.pk)
        end_session(session, ago=DAY)
        for event in conversation(session, {}):
            store_event(event, livekit.write(event))
        type(session).objects.filter(pk=called_off.pk).update(status="cancelled")
        return lambda: list(settle_all())

    statements = statements_of(prepare())
    for k in range(1, statements + 1):
        act = prepare()
        with connection.execute_wrapper(Fault(k)), suppress(PulledPlugError):
            act()
        assert broken() == {}, f"statement {k}"
        act()
        assert Transfer.objects.filter(kind="refund").count() == 4 * (k + 1)
        assert not CourseEnrollment.objects.live().exists()
        assert act() == []
    assert broken() == {}


@pytest.fixture
def busy(monkeypatch):
    """What a database under load says, and that it passes."""
    monkeypatch.setattr(transactions.time, "sleep", lambda _: None)
    if connection.vendor == "sqlite":
        return [OperationalError("database is locked")]
    return [OperationalError(code, "busy") for code in (DEADLOCK, LOCK_WAIT)]


def test_what_passes_is_tried_again_and_happens_once(busy, broken):
    for error in busy:
        world = World()
        with connection.execute_wrapper(Fault(5, error)):
            world.enroll()
        assert CourseEnrollment.objects.of(world.student).count() == 1
    assert broken() == {}


def test_what_does_not_pass_is_answered_503(busy, broken, caplog):
    world = World()
    client = client_of(world.student)
    before = rows()
    headers = {"HTTP_IDEMPOTENCY_KEY": "k"}

    def refuse(execute, sql, params, many, context):
        if "courses" in sql and sql.startswith("UPDATE"):
            tries.append(sql)
            raise busy[0]
        return execute(sql, params, many, context)

    tries = []
    path = f"/api/enrollments/courses/{world.course.pk}"
    with connection.execute_wrapper(refuse):
        answer = client.post(path, **headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert len(tries) == TRIES
    assert busy[0] in [record.exc_info[1].__cause__ for record in caplog.records if record.exc_info]
    assert rows() == before
    assert client.post(path, **headers).status_code == 201
    assert broken() == {}


def test_nothing_is_tried_again_late(busy, settings):
    settings.DATABASE_WAIT_SECONDS = 0
    tries = []

    @operation
    def fail():
        tries.append(1)
        raise busy[0]

    with pytest.raises(Unavailable):
        fail()
    assert tries == [1]


def test_what_is_no_fault_of_the_moment_is_told_as_it_is():
    tries, error = [], OperationalError(1366, "Incorrect string value")

    @operation
    def fail():
        tries.append(1)
        raise error

    with pytest.raises(OperationalError) as raised:
        fail()
    assert (raised.value, tries) == (error, [1])


def client_of(student):
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {open_family(student)['access']}")


@contextmanager
def connection_lost_at_commit(*, after):
    """The COMMIT reaches the server, or not; its answer never comes."""
    commit = connection._commit

    def lose():
        if after:
            commit()
        else:
            connection.connection.rollback()
        raise OperationalError(LOST, "Lost connection to server during query")

    connection._commit = lose
    try:
        yield
    finally:
        del connection._commit


@pytest.mark.parametrize("after", [True, False])
def test_a_connection_lost_at_commit_buys_once_with_the_key(after, broken):
    world = World()

    def buy():
        def act():
            return Answer(201, {"id": str(world.enroll().pk)})

        return answer_once(user=world.student, key="k", request="r", act=act)

    with connection_lost_at_commit(after=after), pytest.raises(Unavailable):
        buy()
    answer = buy()
    assert (answer.status, answer.replayed) == (201, after)
    assert CourseEnrollment.objects.of(world.student).count() == 1
    assert broken() == {}


def test_nothing_is_announced_of_what_did_not_happen():
    announced = []

    @operation
    def fail():
        transaction.on_commit(lambda: announced.append(1))
        raise PulledPlugError

    with pytest.raises(PulledPlugError):
        fail()
    assert announced == []


def test_what_was_tried_again_is_announced_once(busy):
    announced, errors = [], list(busy)

    @operation
    def succeed_later():
        transaction.on_commit(lambda: announced.append(1))
        if errors:
            raise errors.pop()

    succeed_later()
    assert announced == [1]
