"""Earnings on their way out, step by step, and what is refused."""

from decimal import Decimal
from uuid import uuid4

import pytest
from cryptography.fernet import InvalidToken
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from common.errors import NotFound
from payments.errors import (
    BelowMinimum,
    InsufficientBalance,
    InsufficientCredit,
    OwnWithdrawal,
    WithdrawalDecided,
    WithdrawalNotApproved,
)
from payments.models import LedgerAccount, Transfer, Withdrawal
from payments.services.grants import revoke_credit
from payments.services.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    complete_withdrawal,
    reject_withdrawal,
    request_withdrawal,
)
from tests.factories import (
    PAYOUT_DETAILS,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    earn,
    student_with_credit,
    withdraw,
)
from tests.payments.withdrawing import balances, staff, teacher

__all__ = ["staff", "teacher"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_are_clean")]

STATUSES = ["requested", "approved", "completed", "rejected", "cancelled"]


def approve(made, actor):
    return approve_withdrawal(withdrawal_id=made.pk, actor=actor)


def complete(made, actor):
    return complete_withdrawal(withdrawal_id=made.pk, actor=actor, reference="SEPA 7")


def reject(made, actor):
    return reject_withdrawal(withdrawal_id=made.pk, actor=actor, reason="Name unknown")


DECISIONS = [approve, complete, reject]


def movements(made):
    rows = Transfer.objects.filter(withdrawal=made).order_by("created_at", "id")
    return [(row.kind, row.amount, row.actor, row.note) for row in rows]


def test_asking_reserves(teacher):
    made = withdraw(teacher, "70.00")
    assert made.status == "requested"
    assert balances(teacher) == (30, 70)
    assert movements(made) == [("withdraw", 70, teacher, "•••• 1332")]


def test_all_of_it_and_not_a_cent_more(teacher):
    with pytest.raises(InsufficientBalance) as refused:
        withdraw(teacher, "100.01")
    assert refused.value.details["available"] == "100.00"
    withdraw(teacher, "100.00")
    assert balances(teacher) == (0, 100)
    with pytest.raises(InsufficientBalance):
        withdraw(teacher, "10.00")
    assert Withdrawal.objects.count() == 1


def test_a_minimum(teacher, settings):
    with pytest.raises(BelowMinimum) as refused:
        withdraw(teacher, "9.99")
    assert refused.value.details == {"minimum": "10.00"}
    withdraw(teacher, "10.00")
    settings.MIN_WITHDRAWAL = Decimal("5.00")
    withdraw(teacher, "5.00")


def test_credit_to_spend_is_nothing_that_was_earned():
    with pytest.raises(InsufficientBalance):
        withdraw(student_with_credit("500.00"))


def test_paid_in_two_steps(teacher, staff):
    made = withdraw(teacher, "70.00")
    approved = approve(made, staff)
    assert (approved.status, approved.decided_by) == ("approved", staff)
    assert approved.decided_at >= approved.requested_at
    assert balances(teacher) == (30, 70)
    paid = complete(made, staff)
    assert (paid.status, paid.payout_reference) == ("completed", "SEPA 7")
    assert paid.completed_at >= paid.decided_at
    assert balances(teacher) == (30, 0)
    assert movements(made)[1:] == [("payout", 70, staff, "SEPA 7")]


@pytest.mark.parametrize("status", ["requested", "approved"])
def test_rejected_it_comes_back(teacher, staff, status):
    made = withdraw(teacher, "70.00", status=status)
    rejected = reject(made, staff)
    assert (rejected.status, rejected.notes) == ("rejected", "Name unknown")
    assert rejected.decided_by == (made.decided_by or staff)
    assert balances(teacher) == (100, 0)
    assert movements(made)[1:] == [("withdrawal_returned", 70, staff, "Name unknown")]


def test_taken_back_it_comes_back(teacher):
    made = withdraw(teacher, "70.00")
    assert cancel_withdrawal(user=teacher, withdrawal_id=made.pk).status == "cancelled"
    assert balances(teacher) == (100, 0)
    assert movements(made)[1:] == [("withdrawal_returned", 70, teacher, "Cancelled by the user")]
    withdraw(teacher, "100.00")


@pytest.mark.parametrize("status", STATUSES[1:])
def test_only_what_nobody_decided_on_is_taken_back(teacher, status):
    made = withdraw(teacher, status=status)
    before = balances(teacher)
    with pytest.raises(WithdrawalDecided) as refused:
        cancel_withdrawal(user=teacher, withdrawal_id=made.pk)
    assert refused.value.details == {"status": status}
    assert balances(teacher) == before


def test_nobody_takes_back_what_somebody_else_asked_for(teacher, staff):
    made = withdraw(teacher)
    for other, key in ((UserFactory(), made.pk), (staff, made.pk), (teacher, uuid4())):
        with pytest.raises(NotFound):
            cancel_withdrawal(user=other, withdrawal_id=key)
    made.refresh_from_db()
    assert made.status == "requested"


@pytest.mark.parametrize(
    ("decide", "status", "refusal"),
    [
        (approve, "approved", WithdrawalDecided),
        (approve, "completed", WithdrawalDecided),
        (approve, "rejected", WithdrawalDecided),
        (approve, "cancelled", WithdrawalDecided),
        (complete, "requested", WithdrawalNotApproved),
        (complete, "completed", WithdrawalDecided),
        (complete, "rejected", WithdrawalDecided),
        (complete, "cancelled", WithdrawalDecided),
        (reject, "completed", WithdrawalDecided),
        (reject, "rejected", WithdrawalDecided),
        (reject, "cancelled", WithdrawalDecided),
    ],
)
def test_each_step_once_and_in_order(teacher, staff, decide, status, refusal):
    made = withdraw(teacher, status=status)
    before = movements(made), balances(teacher)
    with pytest.raises(refusal):
        decide(made, staff)
    made.refresh_from_db()
    assert made.status == status
    assert (movements(made), balances(teacher)) == before


@pytest.mark.parametrize("decide", DECISIONS)
@pytest.mark.parametrize("status", ["requested", "approved"])
def test_four_eyes(decide, status):
    boss = StaffFactory()
    earn(boss)
    made = withdraw(boss, status=status)
    with pytest.raises(OwnWithdrawal):
        decide(made, boss)
    made.refresh_from_db()
    assert made.status == status


def test_the_database_wants_four_eyes_as_well(teacher):
    made = withdraw(teacher, status="approved")
    with pytest.raises(IntegrityError, match="withdrawals_four_eyes"), transaction.atomic():
        Withdrawal.objects.filter(pk=made.pk).update(decided_by=teacher)


@pytest.mark.parametrize("decide", DECISIONS)
def test_only_staff_with_the_permission_decide(teacher, decide):
    made = withdraw(teacher, status="approved")
    for actor in (UserFactory(), UserFactory(is_staff=True), TeacherFactory(), teacher):
        with pytest.raises(PermissionDenied):
            decide(made, actor)
    gone = StaffFactory(is_active=False)
    with pytest.raises(PermissionDenied):
        decide(made, gone)


def test_the_permission_suffices(teacher):
    cashier = UserFactory(is_staff=True)
    cashier.user_permissions.add(Permission.objects.get(codename="decide_withdrawal"))
    approve(withdraw(teacher), cashier)


@pytest.mark.parametrize("decide", DECISIONS)
def test_there_has_to_be_one(staff, decide):
    with pytest.raises(NotFound):
        decide(Withdrawal(), staff)


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("requested", {"status": "lost"}),
        ("requested", {"status": "approved"}),
        ("requested", {"status": "completed"}),
        ("requested", {"payout_reference": "SEPA"}),
        ("approved", {"decided_by": None}),
        ("approved", {"status": "requested"}),
        ("approved", {"status": "completed"}),
        ("completed", {"payout_reference": ""}),
        ("completed", {"completed_at": None}),
        ("completed", {"status": "approved"}),
        ("cancelled", {"status": "rejected"}),
    ],
)
def test_the_database_knows_what_each_status_needs(teacher, status, change):
    made = withdraw(teacher, status=status)
    with pytest.raises(IntegrityError), transaction.atomic():
        Withdrawal.objects.filter(pk=made.pk).update(**change)


class TestPayoutDetails:
    def test_are_nowhere_to_be_read(self, teacher, staff):
        made = withdraw(teacher)
        made.refresh_from_db()
        stored = " ".join(map(str, Withdrawal.objects.values_list().get(pk=made.pk)))
        assert "ES91" not in stored
        assert "1332" not in stored
        assert made.masked_details == "•••• 1332"
        assert made.reveal_details() == PAYOUT_DETAILS

    def test_two_of_the_same_look_different(self, teacher):
        first, second = withdraw(teacher), withdraw(teacher)
        assert first.payout_details != second.payout_details

    def test_any_text_comes_back_as_it_was(self, teacher):
        text = 'Zoë \U0001f600, a "b"\n; <b>ES91 '
        made = request_withdrawal(user=teacher, amount=Decimal(10), payout_details=text)
        assert made.reveal_details() == text

    def test_a_new_key_opens_what_older_ones_sealed(self, teacher, settings):
        old, new = "o" * 32, "n" * 32
        first = withdraw(teacher)
        settings.PAYOUT_KEYS = [old]
        second = withdraw(teacher)
        settings.PAYOUT_KEYS = [new, old]
        third = withdraw(teacher)
        assert {made.reveal_details() for made in (first, second, third)} == {PAYOUT_DETAILS}
        settings.PAYOUT_KEYS = [new]
        assert third.reveal_details() == PAYOUT_DETAILS
        with pytest.raises(InvalidToken):
            second.reveal_details()

    def test_a_lost_key_breaks_no_list(self, teacher, settings):
        made = withdraw(teacher)
        settings.SECRET_KEY = "another key, which did not seal anything"
        assert made.masked_details == "••••"


class TestRevoke:
    def revoke(self, user, amount, **more):
        given = {"reason": "Granted twice", "request_id": uuid4(), **more}
        return revoke_credit(user=user, amount=Decimal(amount), **given)

    def wallet(self, user):
        return LedgerAccount.objects.get(owner=user, kind="wallet").balance

    def test_takes_credit_back(self, staff):
        student = student_with_credit("50.00")
        made = self.revoke(student, "20.00", actor=staff)
        assert self.wallet(student) == 30
        assert (made.kind, made.actor, made.note) == ("revoke", staff, "Granted twice")

    def test_no_more_than_there_is(self):
        student = student_with_credit("50.00")
        with pytest.raises(InsufficientCredit) as refused:
            self.revoke(student, "50.01")
        assert refused.value.details["available"] == "50.00"
        self.revoke(student, "50.00")
        assert self.wallet(student) == 0

    def test_asked_for_twice_it_is_made_once(self):
        student, key = student_with_credit("50.00"), uuid4()
        first = self.revoke(student, "30.00", request_id=key)
        assert self.revoke(student, "30.00", request_id=key) == first
        assert self.wallet(student) == 20
