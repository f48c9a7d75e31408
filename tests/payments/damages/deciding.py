"""Damage to who decided: nobody decides on their own money."""

from payments.models import Grant, HoldPart, Transfer, Withdrawal
from tests.payments.damages.world import Damages, World, change, unchecked


def grant_to_oneself(world: World) -> None:
    change(Transfer, {"grant": world.grant}, actor=world.ada)


def grant_agreed_on_by_its_asker(world: World) -> None:
    with unchecked():
        change(Grant, {"pk": world.grant.pk}, decided_by=world.grant.asked_by)


def grant_agreed_on_by_its_owner(world: World) -> None:
    with unchecked():
        change(Grant, {"pk": world.grant.pk}, decided_by=world.ada)


def granted_without_a_transfer(world: World) -> None:
    change(Transfer, {"grant": world.grant}, grant=None)


def granted_but_refused(world: World) -> None:
    change(Grant, {"pk": world.grant.pk}, status="refused", decided_by=world.bob)


def withdrawal_approved_by_its_owner(world: World) -> None:
    completed = world.withdrawals["completed"]
    with unchecked():
        change(Withdrawal, {"pk": completed.pk}, decided_by=completed.teacher)


def withdrawal_paid_by_its_owner(world: World) -> None:
    completed = world.withdrawals["completed"]
    change(Transfer, {"withdrawal": completed, "kind": "payout"}, actor=completed.teacher)


def part_decided_on_by_its_student(world: World) -> None:
    change(HoldPart, {"pk": world.part.pk}, reason="staff_decision")
    Transfer.objects.filter(hold_part=world.part).update(actor=world.ada)


DAMAGES: Damages = [
    (grant_to_oneself, "I20"),
    (grant_agreed_on_by_its_asker, "I20"),
    (grant_agreed_on_by_its_owner, "I20"),
    (granted_without_a_transfer, "I20"),
    (granted_but_refused, "I20"),
    (withdrawal_approved_by_its_owner, "I20"),
    (withdrawal_paid_by_its_owner, "I20"),
    (part_decided_on_by_its_student, "I20"),
]
