"""Damage to the books themselves: balances, holds, withdrawals, and who was paid."""

from decimal import Decimal

from django.db import connection
from django.db.models import F
from django.utils import timezone

from payments.models import HoldPart, HoldStatus, LedgerAccount, PaymentHold, Transfer, Withdrawal
from tests.factories import UserFactory
from tests.payments.damages.world import CENT, Damages, World, account, change, move, unchecked


def balance_raised(world: World) -> None:
    change(LedgerAccount, {"owner": world.ada, "kind": "wallet"}, balance=F("balance") + CENT)


def balances_swapped(world: World) -> None:
    change(LedgerAccount, {"owner": world.ada, "kind": "wallet"}, balance=F("balance") + CENT)
    change(LedgerAccount, {"owner": world.bob, "kind": "wallet"}, balance=F("balance") - CENT)


def balance_below_zero(world: World) -> None:
    with unchecked():
        debit, credit = account("wallet", UserFactory()), account("issued")
        move("revoke:too much", debit, credit, "5.00", kind="revoke")


def escrow_without_hold(world: World) -> None:
    move("hold:none", account("wallet", world.ada), account("escrow"), "1.00", kind="hold")


def status_too_early(world: World) -> None:
    change(PaymentHold, {"enrollment": world.enrollment}, status=HoldStatus.RELEASED)


def status_too_late(world: World) -> None:
    change(PaymentHold, {"session_purchase": world.returned}, status=HoldStatus.HELD)


def hold_gave_too_much(world: World) -> None:
    with unchecked():
        change(PaymentHold, {"session_purchase": world.returned}, released_amount=CENT)


def one_hold_paid_for_another(world: World) -> None:
    """As much in all, and to the same people, but one hold gave for the other."""
    a, b = world.part.pk, world.of_bob.pk
    change(Transfer, {"dedupe_key": f"release:{a}:platform"}, amount=Decimal("3.01"))
    change(Transfer, {"dedupe_key": f"release:{b}:platform"}, amount=Decimal("4.79"))


def roles_swapped(world: World) -> None:
    """The hold's totals stand, the part's shares do not."""
    part = world.part
    change(HoldPart, {"pk": part.pk}, teacher_amount=F("teacher_amount") - CENT)
    change(HoldPart, {"pk": part.pk}, platform_amount=F("platform_amount") + CENT)


def part_price_changed(world: World) -> None:
    pending = HoldPart.objects.filter(hold__enrollment=world.enrollment, status="pending")
    change(HoldPart, {"pk": pending[0].pk}, amount=F("amount") + CENT)


def part_status_changed(world: World) -> None:
    """One of several pending parts says that it was released; nothing moved."""
    pending = HoldPart.objects.filter(hold__enrollment=world.enrollment, status="pending")
    change(HoldPart, {"pk": pending[0].pk}, status="released", settled_at=timezone.now())


def part_of_unknown_status(world: World) -> None:
    with unchecked():
        change(HoldPart, {"pk": world.part.pk}, status="lost")


def only_part_lost(world: World) -> None:
    """The only part of a hold; no transfer names it, since it is pending."""
    HoldPart.objects.get(hold__session_purchase=world.single).delete()


def withdrawal_vanished(world: World) -> None:
    """Moved back without a word: less is reserved, the request still open."""
    key, of = "withdrawal_returned:extra", {"withdrawal": world.withdrawals["requested"]}
    teacher = world.teacher
    debit, credit = account("withdrawing", teacher), account("earnings", teacher)
    move(key, debit, credit, "3.00", kind="withdrawal_returned", **of)


def withdrawal_approved_and_taken_back(world: World) -> None:
    change(
        Withdrawal,
        {"pk": world.withdrawals["approved"].pk},
        status="cancelled",
        decided_at=None,
        decided_by=None,
    )


def withdrawal_open_again(world: World) -> None:
    change(Withdrawal, {"pk": world.withdrawals["cancelled"].pk}, status="requested")


def withdrawal_of_another_amount(world: World) -> None:
    change(Withdrawal, {"pk": world.withdrawals["requested"].pk}, amount=Decimal("3.50"))


def withdrawal_returned_and_paid(world: World) -> None:
    with unchecked():
        change(Withdrawal, {"pk": world.withdrawals["rejected"].pk}, status="completed")


def withdrawal_without_transfers(world: World) -> None:
    Withdrawal.objects.create(teacher=world.teacher, amount=5, status="cancelled")


def another_amount_paid(world: World) -> None:
    change(Withdrawal, {"pk": world.withdrawals["completed"].pk}, amount=Decimal("4.00"))


def second_escrow(world: World) -> None:
    LedgerAccount.objects.create(kind="escrow")


def system_kind_with_owner(world: World) -> None:
    LedgerAccount.objects.create(kind="platform", owner=world.ada, balance=0)


def rates_changed(world: World) -> None:
    change(PaymentHold, {"enrollment": world.enrollment}, commission_bp=2900)


def referral_rate_changed(world: World) -> None:
    change(PaymentHold, {"enrollment": world.enrollment}, referral_bp=5000)


def referrer_forgotten(world: World) -> None:
    """No referrer, no share: and the transfer to them goes nowhere it should."""
    change(PaymentHold, {"enrollment": world.enrollment}, referrer=None)


def kind_changed(world: World) -> None:
    grant = Transfer.objects.filter(kind="grant", grant=None)[0]
    change(Transfer, {"pk": grant.pk}, kind="revoke")


def unknown_kind(world: World) -> None:
    grant = Transfer.objects.filter(kind="grant", grant=None)[0]
    change(Transfer, {"pk": grant.pk}, kind="gift")


def refunded_to_another(world: World) -> None:
    """Bob's refund reached Ada, and both balances say so."""
    refund = Transfer.objects.get(hold__session_purchase=world.returned, kind="refund")
    ada, bob = account("wallet", world.ada), account("wallet", world.bob)
    change(Transfer, {"pk": refund.pk}, credit_account=ada)
    change(LedgerAccount, {"pk": ada.pk}, balance=F("balance") + refund.amount)
    change(LedgerAccount, {"pk": bob.pk}, balance=F("balance") - refund.amount)


def released_to_another(world: World) -> None:
    part, referrer = world.part, account("earnings", world.referrer)
    change(Transfer, {"dedupe_key": f"release:{part.pk}:platform"}, credit_account=referrer)
    change(LedgerAccount, {"pk": referrer.pk}, balance=F("balance") + Decimal("3.00"))


def part_of_another_hold(world: World) -> None:
    """The shares stand; the transfers name the hold of somebody else."""
    Transfer.objects.filter(hold_part=world.part).update(hold=world.of_bob.hold)


def share_of_another_hold(world: World) -> None:
    key = f"release:{world.part.pk}:platform"
    change(Transfer, {"dedupe_key": key}, hold=world.of_bob.hold)


def share_of_a_hold_before(world: World) -> None:
    key = f"release:{world.of_bob.pk}:platform"
    change(Transfer, {"dedupe_key": key}, hold=world.part.hold)


def share_of_no_hold(world: World) -> None:
    change(Transfer, {"dedupe_key": f"release:{world.part.pk}:platform"}, hold=None)


def part_lost(world: World) -> None:
    """Its transfers name it still."""
    with connection.cursor() as cursor, connection.constraint_checks_disabled():
        cursor.execute("DELETE FROM hold_parts WHERE id = %s", [world.part.pk.hex])


DAMAGES: Damages = [
    (balance_raised, "I1 I11"),
    (balances_swapped, "I1"),
    (balance_below_zero, "I1"),
    (escrow_without_hold, "I2 I14"),
    (status_too_early, "I3"),
    (status_too_late, "I3"),
    (hold_gave_too_much, "I2 I3 I4 I5"),
    (one_hold_paid_for_another, "I4"),
    (roles_swapped, "I4 I13"),
    (part_price_changed, "I5"),
    (part_status_changed, "I5"),
    (part_of_unknown_status, "I5"),
    (only_part_lost, "I3 I5"),
    (withdrawal_vanished, "I9 I10"),
    (withdrawal_approved_and_taken_back, "I9 I10"),
    (withdrawal_open_again, "I9 I10"),
    (withdrawal_of_another_amount, "I9 I10"),
    (withdrawal_returned_and_paid, "I10"),
    (withdrawal_without_transfers, "I10"),
    (another_amount_paid, "I10"),
    (second_escrow, "I11"),
    (system_kind_with_owner, "I11"),
    (rates_changed, "I13"),
    (referral_rate_changed, "I13"),
    (referrer_forgotten, "I13 I14"),
    (kind_changed, "I14"),
    (unknown_kind, "I14"),
    (refunded_to_another, "I14"),
    (released_to_another, "I14"),
    (part_of_another_hold, "I4 I14"),
    (share_of_another_hold, "I4 I14"),
    (share_of_a_hold_before, "I4 I14"),
    (share_of_no_hold, "I4 I14"),
    (part_lost, "I5 I14"),
]
