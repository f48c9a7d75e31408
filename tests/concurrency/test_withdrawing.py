"""Two hands on the same earnings: each race, and its twin without what guards it."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest

from common.money import total
from enrollments.services.enrolling import enroll_full_course
from payments.models import LedgerAccount, Transfer, Withdrawal
from payments.services import ledger, withdrawals
from payments.services.grants import revoke_credit
from payments.services.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    complete_withdrawal,
    reject_withdrawal,
)
from tests.concurrency.racing import kinds, race
from tests.factories import earn, make_course, release_hold, student_with_credit, withdraw
from tests.payments.withdrawing import balances, staff, teacher

__all__ = ["staff", "teacher"]

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def ask(user, amount="100.00"):
    return partial(withdraw, user, amount)


def approve(made, actor):
    return partial(approve_withdrawal, withdrawal_id=made.pk, actor=actor)


def complete(made, actor):
    return partial(complete_withdrawal, withdrawal_id=made.pk, actor=actor, reference="SEPA 1")


def reject(made, actor):
    return partial(reject_withdrawal, withdrawal_id=made.pk, actor=actor, reason="No")


def take_back(made):
    return partial(cancel_withdrawal, user=made.teacher, withdrawal_id=made.pk)


def status_of(made):
    return Withdrawal.objects.get(pk=made.pk).status


def test_money_for_one_is_withdrawn_once(teacher, retried, broken):
    outcomes = race(*[ask(teacher)] * 8)
    assert kinds(outcomes) == {"Withdrawal": 1, "InsufficientBalance": 7}
    assert retried == []
    assert balances(teacher) == (0, 100)
    assert broken() == {}


def test_without_the_lock_it_is_withdrawn_twice(teacher, without_locks, meeting, broken):
    """The race is real: both read the same balance, and the last write hides the other."""
    meeting().before(ledger, "_change_balances")
    outcomes = race(*[ask(teacher)] * 2)
    assert kinds(outcomes) == {"Withdrawal": 2}
    assert balances(teacher) == (0, 100)
    assert {"I1", "I9"} <= broken().keys()


def test_earnings_that_come_in_meanwhile_are_not_lost(teacher, retried, broken):
    for _ in range(3):
        earn(teacher, "100.00")
    course = make_course(sessions=1, teacher=teacher, price_full_course="100.00")
    students = [student_with_credit("100.00") for _ in range(4)]
    holds = [enroll_full_course(student=s, course_id=course.pk).hold for s in students]
    outcomes = race(*[ask(teacher)] * 4, *[partial(release_hold, hold) for hold in holds])
    assert kinds(outcomes) == {"Withdrawal": 4, "NoneType": 4}
    assert retried == []
    assert balances(teacher) == (280, 400)
    assert broken() == {}


def test_of_approving_and_rejecting_the_last_word_is_no(teacher, staff, retried, broken):
    """Rejected first it can no longer be approved; approved first it can still be rejected."""
    for _ in range(5):
        made = withdraw(teacher)
        approved, rejected = race(approve(made, staff), reject(made, staff))
        assert type(approved).__name__ in ("Withdrawal", "WithdrawalDecided")
        assert rejected.status == status_of(made) == "rejected"
        assert balances(teacher) == (100, 0)
    assert retried == []
    assert broken() == {}


@pytest.fixture
def looking_early(monkeypatch, without_locks, interruption):
    """Whoever asks for one of these statuses waits between looking and acting."""
    require = withdrawals._require

    def wait_after(*awaited):
        def look(found, *statuses):
            require(found, *statuses)
            if statuses == awaited:
                interruption.wait()

        monkeypatch.setattr(withdrawals, "_require", look)

    return wait_after


def test_without_the_lock_what_was_rejected_is_approved(
    teacher, staff, looking_early, interruption, broken
):
    """The race is real: the money is back with the teacher, and waits to be paid as well."""
    made = withdraw(teacher)
    looking_early("requested")
    outcomes = race(approve(made, staff), interruption.by(reject(made, staff)))
    assert kinds(outcomes) == {"Withdrawal": 2}
    assert (status_of(made), balances(teacher)) == ("approved", (100, 0))
    assert {"I9", "I10"} <= broken().keys()


def test_it_is_paid_once(teacher, staff, retried, broken):
    made = withdraw(teacher, "100.00", status="approved")
    outcomes = race(*[complete(made, staff)] * 8)
    assert kinds(outcomes) == {"Withdrawal": 1, "WithdrawalDecided": 7}
    assert Transfer.objects.filter(kind="payout").count() == 1
    assert retried == []
    assert balances(teacher) == (0, 0)
    assert broken() == {}


def test_without_the_lock_the_database_refuses_the_second_payout(
    teacher, staff, without_locks, meeting, broken
):
    """The race is real: with more underway there is money to move, and the key alone is left."""
    made = withdraw(teacher, "50.00", status="approved")
    withdraw(teacher, "50.00")
    meeting().before(withdrawals, "_require")
    outcomes = race(*[complete(made, staff)] * 2)
    assert kinds(outcomes) == {"Withdrawal": 1, "IntegrityError": 1}
    assert broken() == {}


def test_paid_or_sent_back_never_both(teacher, staff, retried, broken):
    for _ in range(5):
        made = withdraw(teacher, status="approved")
        outcomes = race(complete(made, staff), reject(made, staff))
        assert kinds(outcomes) == {"Withdrawal": 1, "WithdrawalDecided": 1}
        assert status_of(made) in ("completed", "rejected")
    assert retried == []
    assert broken() == {}


def test_without_the_lock_it_is_paid_and_sent_back(
    teacher, staff, looking_early, interruption, broken
):
    """The race is real: with more underway there is money to move twice."""
    made = withdraw(teacher, "40.00", status="approved")
    withdraw(teacher, "40.00")
    looking_early("approved")
    outcomes = race(complete(made, staff), interruption.by(reject(made, staff)))
    assert kinds(outcomes) == {"Withdrawal": 2}
    assert balances(teacher) == (60, 0)
    assert {"I9", "I10"} <= broken().keys()


def test_taken_back_or_approved_never_both(teacher, staff, retried, broken):
    for _ in range(5):
        made = withdraw(teacher)
        outcomes = race(take_back(made), approve(made, staff))
        assert kinds(outcomes) == {"Withdrawal": 1, "WithdrawalDecided": 1}
        if status_of(made) == "approved":
            reject(made, staff)()
        assert balances(teacher) == (100, 0)
    assert retried == []
    assert broken() == {}


def test_without_the_lock_what_was_taken_back_is_approved(
    teacher, staff, without_locks, interruption, broken
):
    made = withdraw(teacher)
    interruption.after(withdrawals, "_lock_to_decide")
    outcomes = race(approve(made, staff), interruption.by(take_back(made)))
    assert kinds(outcomes) == {"Withdrawal": 2}
    assert (status_of(made), balances(teacher)) == ("approved", (100, 0))
    assert {"I9", "I10"} <= broken().keys()


@pytest.fixture
def one_hand(teacher, staff, settings):
    """Twice 30.00, each approved by one clerk, who may pay 50.00 of a day alone."""
    settings.TWO_PEOPLE_ABOVE = Decimal("50.00")
    made = [withdraw(teacher, "30.00") for _ in range(2)]
    for one in made:
        approve(one, staff)()
    return [complete(one, staff) for one in made]


def test_two_that_are_paid_at_once_are_added_up(one_hand, teacher, retried, broken):
    assert kinds(race(*one_hand)) == {"SecondPersonNeeded": 2}
    assert balances(teacher) == (40, 60)
    assert retried == []
    assert broken() == {}


def test_counting_what_is_paid_alone_lets_both_through(one_hand, teacher, meeting, monkeypatch):
    """The race is real: neither is paid yet when the other is looked at."""

    def paid(found):
        rows = Withdrawal.objects.filter(teacher=found.teacher_id, status="completed")
        return found.amount + total(rows.values_list("amount", flat=True))

    monkeypatch.setattr(withdrawals, "_most_in_a_day", paid)
    meeting().after(withdrawals, "refuse_paying_alone")
    assert kinds(race(*one_hand)) == {"Withdrawal": 2}
    assert balances(teacher) == (40, 0)


def test_one_hand_gets_out_no_more_however_it_hurries(teacher, staff, settings, broken):
    settings.TWO_PEOPLE_ABOVE = Decimal("50.00")

    def all_of_it():
        made = withdraw(teacher, "20.00")
        approve(made, staff)()
        return complete(made, staff)()

    outcomes = race(*[all_of_it] * 5)
    assert kinds(outcomes).keys() <= {"Withdrawal", "SecondPersonNeeded"}
    paid = Withdrawal.objects.filter(status="completed").values_list("amount", flat=True)
    assert total(paid) <= 50
    assert broken() == {}


def test_approving_at_the_same_moment_is_no_second_person(teacher, staff, settings, broken):
    settings.TWO_PEOPLE_ABOVE = Decimal("0.00")
    for _ in range(5):
        made = withdraw(teacher)
        outcomes = race(approve(made, staff), complete(made, staff))
        refused = kinds(outcomes).keys() - {"Withdrawal"}
        assert refused <= {"WithdrawalNotApproved", "SecondPersonNeeded"}
        assert status_of(made) == "approved"
        reject(made, staff)()
    assert broken() == {}


def test_a_grant_is_revoked_once_however_often_the_form_comes(retried, broken):
    student = student_with_credit("100.00")
    given = {"user": student, "amount": Decimal(60), "reason": "Twice", "request_id": uuid4()}
    outcomes = race(*[partial(revoke_credit, **given)] * 8)
    assert len({outcome.pk for outcome in outcomes}) == 1
    assert LedgerAccount.objects.get(owner=student, kind="wallet").balance == 40
    assert retried == []
    assert broken() == {}
