"""Whatever breaks, wherever it breaks: all of an operation happened, or nothing of it."""

from contextlib import contextmanager, suppress

import pytest
from django.db import OperationalError, connection, transaction
from rest_framework.test import APIClient

from accounts.tokens import open_family
from common import transactions
from common.errors import Unavailable
from common.transactions import TRIES, operation
from enrollments.models import CourseEnrollment
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from payments.idempotency import Answer, answer_once
from payments.models import Transfer
from rooms import livekit
from rooms.rehearsal import conversation
from rooms.services.events import store_event
from settlement.services.settling import settle_all
from tests.concurrency.operations import (
    OPERATIONS,
    Fault,
    PulledPlugError,
    World,
    rows,
    statements_of,
)
from tests.factories import DAY, break_calling_off, end_session, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

DEADLOCK, LOCK_WAIT, LOST = 1213, 1205, 2013


@pytest.mark.parametrize("prepare", OPERATIONS)
def test_broken_off_at_any_statement_nothing_has_happened(prepare, broken):
    statements = statements_of(prepare())
    assert statements >= 3
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
        break_calling_off(called_off)
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
