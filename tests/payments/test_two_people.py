"""No clerk alone gets much out: who approves does not pay as well, once it is more than little."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.db.models import F

from payments.errors import OwnCredit, OwnWithdrawal, SecondPersonNeeded, WithdrawalNotApproved
from payments.models import LedgerAccount, Withdrawal
from payments.services.grants import request_grant, revoke_credit
from payments.services.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    complete_withdrawal,
    reject_withdrawal,
)
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.factories import StaffFactory, TeacherFactory, earn, student_with_credit, withdraw

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_are_clean")]

LIST = "/admin/payments/withdrawal/"
DAY = timedelta(hours=24)


@pytest.fixture(autouse=True)
def _little(settings):
    """Two people above 30.00, as much as three of the smallest withdrawals."""
    settings.TWO_PEOPLE_ABOVE = Decimal("30.00")


@pytest.fixture
def teacher():
    teacher = TeacherFactory(email="sofia@example.com")
    earn(teacher, "300.00")
    return teacher


@pytest.fixture
def clerk():
    make_groups()
    clerk = StaffFactory(is_superuser=False)
    clerk.groups.add(Group.objects.get(name="finance"))
    return clerk


@pytest.fixture
def other(clerk):
    return StaffFactory()


def approve(made, actor):
    return approve_withdrawal(withdrawal_id=made.pk, actor=actor)


def complete(made, actor):
    return complete_withdrawal(withdrawal_id=made.pk, actor=actor, reference="SEPA 7")


def pay(made, actor):
    """Both steps by one hand; whether it got that far."""
    if made.status == "requested":
        approve(made, actor)
    try:
        complete(made, actor)
    except SecondPersonNeeded:
        return False
    return True


def ask(teacher, amount="10.00", *, earlier=timedelta(0)):
    """A withdrawal that was asked for so much `earlier`."""
    made = withdraw(teacher, amount)
    Withdrawal.objects.filter(pk=made.pk).update(requested_at=F("requested_at") - earlier)
    made.refresh_from_db()
    return made


def fresh(made):
    return Withdrawal.objects.get(pk=made.pk)


def status_of(made):
    return Withdrawal.objects.get(pk=made.pk).status


def test_little_is_paid_by_who_approved_it(teacher, clerk):
    assert pay(ask(teacher, "30.00"), clerk)


def test_more_takes_a_second_person(teacher, clerk, other):
    made = ask(teacher, "30.01")
    approve(made, clerk)
    with pytest.raises(SecondPersonNeeded) as refused:
        complete(made, clerk)
    assert refused.value.details == {"above": "30.00"}
    assert (status_of(made), made.status) == ("approved", "requested")
    assert LedgerAccount.objects.get(owner=teacher, kind="withdrawing").balance == Decimal("30.01")
    assert complete(made, other).status == "completed"


def test_a_superuser_is_one_person_as_well(teacher, other):
    assert not pay(ask(teacher, "30.01"), other)


def test_many_small_ones_are_one_large_one(teacher, clerk, other):
    """Asked for together: none of them is little."""
    asked = [ask(teacher) for _ in range(4)]
    assert [pay(made, clerk) for made in asked] == [False] * 4
    assert [complete(made, other).status for made in asked] == ["completed"] * 4


def test_one_after_another_they_are_little_until_they_are_not(teacher, clerk):
    """Each asked for once the one before is paid: what went before counts."""
    assert [pay(ask(teacher), clerk) for _ in range(5)] == [True, True, True, False, False]


def test_approved_while_it_was_little_is_not_paid_once_it_is_not(teacher, clerk, other):
    first = ask(teacher, "20.00")
    approve(first, clerk)
    ask(teacher, "20.00")
    assert not pay(fresh(first), clerk)
    assert complete(first, other).status == "completed"


@pytest.mark.parametrize("late", [timedelta(days=2), timedelta(days=90)])
def test_paying_late_changes_nothing(teacher, clerk, late):
    made = [ask(teacher, "20.00", earlier=late) for _ in range(2)]
    assert [pay(one, clerk) for one in made] == [False, False]


@pytest.mark.parametrize(
    ("earlier", "alone"), [(DAY - timedelta(minutes=1), False), (DAY + timedelta(minutes=1), True)]
)
def test_a_day_is_24_hours(teacher, clerk, earlier, alone):
    first, second = ask(teacher, "20.00", earlier=earlier), ask(teacher, "20.00")
    assert [pay(first, clerk), pay(second, clerk)] == [alone, alone]


def test_it_is_any_24_hours_and_not_those_before_and_after(teacher, clerk):
    """Three of 15.00, twenty hours from each other: no day has more than two."""
    asked = [ask(teacher, "15.00", earlier=hours * timedelta(hours=20)) for hours in range(3)]
    assert [pay(made, clerk) for made in asked] == [True] * 3


def test_what_came_back_does_not_count(teacher, clerk, other):
    back, rejected, made = (ask(teacher, "20.00") for _ in range(3))
    approve(made, clerk)
    cancel_withdrawal(user=teacher, withdrawal_id=back.pk)
    assert not pay(fresh(made), clerk)
    reject_withdrawal(withdrawal_id=rejected.pk, actor=clerk, reason="Wrong account")
    assert pay(fresh(made), clerk)


def test_somebody_elses_do_not_count(teacher, clerk):
    another = TeacherFactory()
    earn(another)
    ask(another, "30.00")
    assert pay(ask(teacher, "30.00"), clerk)


def test_who_rejects_may_have_approved(teacher, clerk):
    made = ask(teacher, "100.00")
    approve(made, clerk)
    done = reject_withdrawal(withdrawal_id=made.pk, actor=clerk, reason="The bank sent it back")
    assert done.status == "rejected"


def test_other_refusals_come_first(teacher, clerk):
    made = ask(teacher, "100.00")
    with pytest.raises(WithdrawalNotApproved):
        complete(made, clerk)
    earn(clerk)
    with pytest.raises(OwnWithdrawal):
        complete(ask(clerk, "100.00"), clerk)


def test_above_nothing_it_always_takes_two(teacher, clerk, settings):
    settings.TWO_PEOPLE_ABOVE = Decimal(0)
    assert not pay(ask(teacher), clerk)


def test_the_admin_says_so_row_by_row(client, teacher, clerk):
    another = TeacherFactory(email="juan@example.com")
    earn(another)
    large, little = ask(teacher, "30.01"), ask(another, "30.00")
    for made in (large, little):
        approve(made, clerk)
    client.force_login(clerk)
    pages = {"withdrawal": [large.pk, little.pk]}
    shown = client.get(f"{LIST}decide/complete/", pages).content.decode()
    assert shown.count("record it as paid.") == 1
    answers = {f"{made.pk}-reference": "SEPA 7" for made in (large, little)}
    page = client.post(f"{LIST}decide/complete/", pages | answers, follow=True)
    told = sorted(str(message) for message in page.context["messages"])
    assert told == [
        "$30.00 of juan@example.com: paid.",
        "$30.01 of sofia@example.com: More than $30.00 was requested within 24 hours, so the "
        "person who approved this withdrawal can't also record it as paid.",
    ]
    assert (status_of(large), status_of(little)) == ("approved", "completed")


@pytest.mark.parametrize("move", [request_grant, revoke_credit])
@pytest.mark.parametrize("superuser", [True, False])
def test_nobody_moves_their_own_credit(move, superuser):
    boss = student_with_credit("50.00", is_staff=True, is_superuser=superuser)
    wanted = {"user": boss, "amount": Decimal("10.00"), "reason": "Mine", "request_id": boss.pk}
    with pytest.raises(OwnCredit):
        move(**wanted, actor=boss)
    assert LedgerAccount.objects.get(owner=boss, kind="wallet").balance == 50
    move(**wanted, actor=StaffFactory())


@pytest.mark.parametrize("way", ["grant", "revoke"])
def test_the_form_says_so(client, clerk, way):
    client.force_login(clerk)
    url = f"/admin/payments/ledgeraccount/{way}/"
    body = {"email": clerk.email, "amount": "100.00", "reason": "A gift", "request_id": clerk.pk}
    page = client.post(url, body)
    assert "This is your own credit" in page.content.decode()
    assert LedgerAccount.objects.get(owner=clerk, kind="wallet").balance == 0
