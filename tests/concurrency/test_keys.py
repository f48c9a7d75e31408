"""One key sent many times at once moves money once."""

from collections import Counter
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from accounts.tokens import open_family
from enrollments.services.enrolling import enroll_full_course
from payments import idempotency
from payments.errors import RequestInProgress
from payments.idempotency import Answer, answer_once
from payments.models import IdempotencyRecord, LedgerAccount, Transfer
from payments.services.grants import grant_credit
from tests.concurrency.racing import Meeting, kinds, race
from tests.factories import UserFactory, make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

COPIES = 20


def twenty_times(user, act):
    return race(*[lambda: answer_once(user=user, key="k", request="r", act=act)] * COPIES)


def granting(user):
    def act():
        grant_credit(user=user, amount=Decimal(1), reason="Again", request_id=uuid4())
        return Answer(201, {"granted": "1.00"})

    return act


def refused(student, attempts):
    """A purchase that the student cannot pay for; notes each attempt."""
    course = make_course()

    def act():
        attempts.append(course)
        enroll_full_course(student=student, course_id=course.pk)
        raise AssertionError("there is no money")

    return act


def test_twenty_copies_of_one_request_move_money_once(retried, broken):
    user = UserFactory()
    answers = twenty_times(user, granting(user))
    assert Counter((a.status, a.replayed) for a in answers) == {(201, False): 1, (201, True): 19}
    assert retried == []
    assert LedgerAccount.objects.get(owner=user, kind="wallet").balance == 1
    assert broken() == {}


def test_locking_the_row_of_the_first_copy_deadlocks(monkeypatch, retried):
    """The race is real: all copies share the row's lock already, and nobody can have it alone."""
    user = UserFactory()
    claim = idempotency._claim

    def claim_and_lock(*key):
        record = claim(*key)
        return IdempotencyRecord.objects.locked().get(user=user, key=record.key)

    monkeypatch.setattr(idempotency, "_claim", claim_and_lock)
    twenty_times(user, granting(user))
    assert {error.args[0] for error in retried} == {1213}


def test_without_the_key_they_move_it_twenty_times(monkeypatch):
    """The race is real: it is the key's row that makes the copies wait."""
    user = UserFactory()
    monkeypatch.setattr(idempotency, "_claim", lambda *_: IdempotencyRecord())
    twenty_times(user, granting(user))
    assert LedgerAccount.objects.get(owner=user, kind="wallet").balance == COPIES


def test_twenty_copies_of_a_refused_request_are_refused_once(retried, broken):
    student, attempts = UserFactory(), []
    answers = twenty_times(student, refused(student, attempts))
    assert Counter((a.status, a.replayed) for a in answers) == {(402, False): 1, (402, True): 19}
    assert {a.body["code"] for a in answers} == {"insufficient_credit"}
    assert len(attempts) == 1
    assert retried == []
    assert broken() == {}


def test_without_the_savepoint_the_copies_try_and_deadlock(monkeypatch, retried):
    """The race is real: the refusal takes the key away with it, and the others begin anew."""
    student, attempts = UserFactory(), []
    monkeypatch.setattr(idempotency, "_act", lambda act: act())
    outcomes = twenty_times(student, refused(student, attempts))
    assert not any(isinstance(outcome, Answer) for outcome in outcomes)
    assert len(attempts) > 1
    assert retried


def test_twenty_copies_over_the_api_buy_once(retried, broken):
    student, course = student_with_credit("500.00"), make_course()
    headers = {
        "HTTP_AUTHORIZATION": f"Bearer {open_family(student)['access']}",
        "HTTP_IDEMPOTENCY_KEY": "buy",
    }

    def post():
        return APIClient(**headers).post(f"/api/enrollments/courses/{course.pk}")

    answers = race(*[post] * COPIES)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 19
    assert Transfer.objects.filter(kind="hold").count() == 1
    assert retried == []
    assert broken() == {}


def test_a_copy_of_a_request_that_takes_long_is_told_so(monkeypatch, retried):
    """It waits no longer than the database lets it (here 1 s), and does not try again."""
    user = UserFactory()
    answered = Meeting(monkeypatch)
    claimed = Meeting(monkeypatch)

    def slow():
        claimed.wait()
        answered.wait()
        return granting(user)()

    def copy():
        claimed.wait()
        with connection.cursor() as cursor:
            cursor.execute("SET innodb_lock_wait_timeout = 1")
        try:
            return answer_once(user=user, key="k", request="r", act=granting(user))
        finally:
            answered.wait()

    outcomes = race(lambda: answer_once(user=user, key="k", request="r", act=slow), copy)
    assert kinds(outcomes) == {"Answer": 1, "RequestInProgress": 1}
    assert isinstance(outcomes[1], RequestInProgress)
    assert retried == []
    assert LedgerAccount.objects.get(owner=user, kind="wallet").balance == 1


def test_every_connection_says_what_we_rely_on():
    """By whatever name the server has it, and whatever it has for others."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW VARIABLES")
        told = dict(cursor.fetchall())
    assert told["innodb_lock_wait_timeout"] == "5"
    assert told.get("innodb_snapshot_isolation", "OFF") == "OFF"
    isolation = {told[name] for name in ("tx_isolation", "transaction_isolation") if name in told}
    assert isolation == {"READ-COMMITTED"}
    assert "index_merge_intersection=off" in told["optimizer_switch"]
