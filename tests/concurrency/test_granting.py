"""One clerk alone gives so much in a day however they hurry, and each grant is decided on once."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest

from payments.models import Grant
from payments.services import grants
from payments.services.grants import approve_grant, refuse_grant, request_grant
from payments.wallets import credit_of
from tests.concurrency.racing import kinds, race
from tests.factories import StaffFactory, UserFactory

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _little(settings):
    settings.GRANT_TWO_PEOPLE_ABOVE = Decimal("30.00")


@pytest.fixture
def clerk():
    return StaffFactory()


@pytest.fixture
def student():
    return UserFactory()


def give(student, clerk, amount="20.00", key=None):
    return partial(
        request_grant,
        user=student,
        amount=Decimal(amount),
        reason="Sorry",
        request_id=key or uuid4(),
        actor=clerk,
    )


def decide(service, grant):
    return partial(service, grant_id=grant.pk, actor=StaffFactory(), reason="I called her")


def statuses(outcomes):
    return sorted(outcome.status for outcome in outcomes)


def test_what_one_clerk_gives_at_once_is_added_up(clerk, retried, broken):
    for _ in range(3):
        Grant.objects.all().update(asked_by=StaffFactory())
        people = [UserFactory() for _ in range(4)]
        outcomes = race(*[give(one, clerk) for one in people])
        assert statuses(outcomes) == ["asked", "asked", "asked", "granted"]
        assert sum(credit_of(one) for one in people) == 20
    assert retried == []
    assert broken() == {}


def test_without_the_lock_each_is_little(clerk, without_locks, meeting):
    """The race is real: none is there yet when the others are added up."""
    people = [UserFactory() for _ in range(4)]
    meeting(4).after(grants, "_given_alone")
    assert statuses(race(*[give(one, clerk) for one in people])) == ["granted"] * 4
    assert sum(credit_of(one) for one in people) == 80


def test_two_clerks_do_not_count_each_other(student, clerk, retried, broken):
    outcomes = race(give(student, clerk), give(student, StaffFactory()))
    assert statuses(outcomes) == ["granted", "granted"]
    assert credit_of(student) == 40
    assert retried == []
    assert broken() == {}


def test_clerks_who_give_to_each_other_do_not_wait_for_each_other(clerk, retried, broken):
    other = StaffFactory()
    for _ in range(5):
        outcomes = race(*[give(other, clerk, "1.00"), give(clerk, other, "1.00")] * 3)
        assert kinds(outcomes) == {"Grant": 6}
    assert retried == []
    assert broken() == {}


def test_a_form_that_comes_often_at_once_is_one_grant(student, clerk, retried, broken):
    outcomes = race(*[give(student, clerk, key=uuid4())] * 8)
    assert len({outcome.pk for outcome in outcomes}) == 1
    assert credit_of(student) == 20
    assert retried == []
    assert broken() == {}


@pytest.mark.parametrize(
    "services", [(approve_grant, approve_grant), (approve_grant, refuse_grant)]
)
def test_decided_once_however_many_decide(services, student, clerk, retried, broken):
    for _ in range(5):
        before = credit_of(student)
        asked = give(student, clerk, "40.00")()
        outcomes = race(*[decide(one, asked) for one in services])
        assert kinds(outcomes) == {"Grant": 1, "GrantDecided": 1}
        asked.refresh_from_db()
        assert credit_of(student) - before == (40 if asked.status == "granted" else 0)
    assert retried == []
    assert broken() == {}


def test_without_the_lock_it_is_decided_both_ways(student, clerk, without_locks, meeting):
    asked = give(student, clerk, "40.00")()
    meeting().after(grants, "refuse_deciding")
    outcomes = race(decide(approve_grant, asked), decide(refuse_grant, asked))
    assert statuses(outcomes) == ["granted", "refused"]
    assert credit_of(student) == 40
