"""Withdrawals in any order, against a small model of where the money is."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from common.errors import DomainError
from payments import audit, earnings
from payments.services.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    complete_withdrawal,
    reject_withdrawal,
)
from tests.factories import StaffFactory, TeacherFactory, UserFactory, earn, withdraw

LEAST = 1_000
who = st.sampled_from([0, 1])
# Of the staff the first asks for withdrawals too, the last may not decide on them.
decider = st.sampled_from([0, 1, 2])


class Till(RuleBasedStateMachine):
    """A teacher and a colleague on the staff who teaches as well; all amounts in cents."""

    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo._from_testcase = True
        self.undo.__enter__()
        self.people = [TeacherFactory(), StaffFactory()]
        self.staff = [self.people[1], StaffFactory(), UserFactory()]
        self.available, self.withdrawing, self.paid = [0, 0], [0, 0], [0, 0]
        # By its key: whose, how much, and its status.
        self.known: dict[object, list] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def attempt(self, act: Callable[[], object], *, allowed: bool) -> object | None:
        """Do it, and see that the model says the same as the services."""
        done, refused = None, False
        try:
            done = act()
        except (DomainError, PermissionDenied):
            refused = True
        assert refused != allowed
        return done

    @rule(person=who, cents=st.integers(min_value=1, max_value=9_000))
    def earn(self, person: int, cents: int) -> None:
        earn(self.people[person], Decimal(cents).scaleb(-2))
        self.available[person] += cents

    @rule(target=made, person=who, cents=st.integers(min_value=900, max_value=6_000))
    def request(self, person: int, cents: int) -> object:
        done = self.attempt(
            lambda: withdraw(self.people[person], Decimal(cents).scaleb(-2)),
            allowed=LEAST <= cents <= self.available[person],
        )
        if not done:
            return multiple()
        self.available[person] -= cents
        self.withdrawing[person] += cents
        self.known[done.pk] = [person, cents, "requested"]
        return done.pk

    @rule(key=made, person=who)
    def take_back(self, key: object, person: int) -> None:
        owner, _, status = self.known[key]
        done = self.attempt(
            lambda: cancel_withdrawal(user=self.people[person], withdrawal_id=key),
            allowed=person == owner and status == "requested",
        )
        if done:
            self.give_back(key, "cancelled")

    @rule(key=made, actor=decider)
    def approve(self, key: object, actor: int) -> None:
        if self.decide(approve_withdrawal, key, actor, ["requested"]):
            self.known[key][2] = "approved"

    @rule(key=made, actor=decider)
    def complete(self, key: object, actor: int) -> None:
        if self.decide(complete_withdrawal, key, actor, ["approved"], reference="SEPA 1"):
            owner, cents, _ = self.known[key]
            self.withdrawing[owner] -= cents
            self.paid[owner] += cents
            self.known[key][2] = "completed"

    @rule(key=made, actor=decider)
    def reject(self, key: object, actor: int) -> None:
        if self.decide(reject_withdrawal, key, actor, ["requested", "approved"], reason="No"):
            self.give_back(key, "rejected")

    def decide(
        self, act: Callable, key: object, actor: int, statuses: list[str], **more: str
    ) -> object | None:
        owner, _, status = self.known[key]
        four_eyes = (owner, actor) != (1, 0)
        return self.attempt(
            lambda: act(withdrawal_id=key, actor=self.staff[actor], **more),
            allowed=actor != 2 and four_eyes and status in statuses,
        )

    def give_back(self, key: object, status: str) -> None:
        owner, cents, _ = self.known[key]
        self.withdrawing[owner] -= cents
        self.available[owner] += cents
        self.known[key][2] = status

    @invariant()
    def the_money_is_where_the_model_says(self) -> None:
        for number, person in enumerate(self.people):
            found = figures(person)
            expected = self.available[number], self.withdrawing[number], self.paid[number]
            assert found == (*expected, sum(expected))

    @invariant()
    def the_books_are_in_order(self) -> None:
        assert [finding for finding in audit.run() if not finding.ok] == []


def figures(user: User) -> tuple[int, ...]:
    """Available, withdrawing, paid and released, in cents."""
    found = earnings.figures_of(user, earnings.forecast_of(user))
    amounts = (found.available, found.withdrawing, found.paid, found.released)
    return tuple(int(amount * 100) for amount in amounts)


@pytest.mark.mariadb
@pytest.mark.django_db
def test_every_step_in_any_order():
    run_state_machine_as_test(
        Till,
        settings=settings(
            max_examples=15, stateful_step_count=30, deadline=None, derandomize=True, database=None
        ),
    )
