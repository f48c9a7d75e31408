"""Damage to money from outside: top-ups, refunds, disputes and debts."""

from decimal import Decimal

from django.db.models import F
from django.utils import timezone

from payments.models import DebtWriteOff, Dispute, LedgerAccount, TopUp, TopUpRefund, Transfer
from tests.factories import StaffFactory, UserFactory, top_up_of
from tests.payments.damages.world import Damages, World, account, change, move, unchecked


def credited_twice(world: World) -> None:
    """Ada had one more than she paid, and her balance says so."""
    of = {"kind": "top_up", "top_up": world.top_up}
    move("top_up:again", account("rehearsal"), account("wallet", world.ada), "20.00", **of)


def paid_without_credit(world: World) -> None:
    """Its credit names another one, which nobody paid."""
    of = {"kind": "top_up", "top_up": world.top_up}
    Transfer.objects.filter(**of).update(top_up=world.unpaid)


def credited_too_much(world: World) -> None:
    change(TopUp, {"pk": world.top_up.pk}, amount=Decimal("19.99"))


def credit_of_no_top_up(world: World) -> None:
    of = account("rehearsal"), account("wallet", world.ada)
    move("top_up:none", *of, "1.00", kind="top_up")


def fee_forgotten(world: World) -> None:
    change(TopUp, {"pk": world.top_up.pk}, fee=Decimal("0.88"))


def fee_never_asked_for(world: World) -> None:
    change(TopUp, {"pk": world.top_up.pk}, fee_booked_at=None, next_look_at=None)


def played_beside_real(world: World) -> None:
    change(TopUp, {"pk": top_up_of(world.ada).pk}, live=True)


def fee_taken_from_the_payer(world: World) -> None:
    of = {"kind": "fee", "top_up": world.top_up}
    move("fee:ada", account("wallet", world.ada), account("rehearsal"), "0.88", **of)
    change(TopUp, {"pk": world.top_up.pk}, fee=Decimal("0.88"))


def real_money_for_a_rehearsal(world: World) -> None:
    change(Transfer, {"top_up": world.top_up}, debit_account=account("stripe"))


def credited_to_another(world: World) -> None:
    change(TopUp, {"pk": world.top_up.pk}, user=world.bob)


def debt_forgotten(world: World) -> None:
    change(LedgerAccount, {"owner": world.debtor, "kind": "wallet"}, owed=0)


def debts_swapped(world: World) -> None:
    """As much in all is owed, by somebody else; nobody knows why."""
    change(LedgerAccount, {"owner": world.debtor, "kind": "wallet"}, owed=0)
    other = UserFactory()
    change(LedgerAccount, {"owner": other, "kind": "wallet"}, owed=Decimal("25.00"))


def credit_beside_a_debt(world: World) -> None:
    with unchecked():
        move("grant:more", account("issued"), account("wallet", world.debtor), "1.00", kind="grant")


def debt_of_another(world: World) -> None:
    change(Transfer, {"debtor": world.debtor}, debtor=world.bob)


def debtor_without_debt(world: World) -> None:
    change(Transfer, {"top_up": world.top_up}, debtor=world.ada)


def written_off_for_nothing(world: World) -> None:
    """Two people decided it, and nothing moved."""
    DebtWriteOff.objects.create(
        debtor=world.debtor,
        amount=Decimal("5.00"),
        reason="Gone",
        status="written_off",
        asked_by=StaffFactory(),
        decided_by=StaffFactory(),
        decided_at=timezone.now(),
    )


def recovered_by_word_alone(world: World) -> None:
    """What came back of it is the platform's, and nothing moved."""
    written_off_for_nothing(world)
    of = {"kind": "write_off", "debtor": world.debtor}
    owed = LedgerAccount.objects.filter(owner=world.debtor, kind="wallet")
    move("write_off:1", account("platform"), account("debts"), "5.00", **of)
    owed.update(owed=F("owed") - 5)
    change(DebtWriteOff, {"debtor": world.debtor}, recovered=Decimal("5.00"))


def taken_more_than_booked(world: World) -> None:
    change(Dispute, {"pk": world.dispute.pk}, taken=Decimal("26.00"))


def fee_of_nobody(world: World) -> None:
    change(Dispute, {"pk": world.dispute.pk}, fee=Decimal("15.00"))


def inquiry_that_took(world: World) -> None:
    change(Dispute, {"pk": world.dispute.pk}, status="warning_closed")


def dispute_left_alone(world: World) -> None:
    change(Dispute, {"pk": world.dispute.pk}, next_look_at=None, status="under_review")


def movement_of_no_dispute(world: World) -> None:
    Transfer.objects.filter(dispute=world.dispute).update(dispute=None)


def disputed_and_refundable(world: World) -> None:
    change(TopUp, {"pk": world.dispute.top_up_id}, disputed_amount=0)


def refund_forgotten_by_its_top_up(world: World) -> None:
    change(TopUp, {"pk": world.goes_back.pk}, refunded_amount=10)


def refund_sent_by_word_alone(world: World) -> None:
    now = timezone.now()
    change(TopUpRefund, {"pk": world.asked.pk}, status="succeeded", sent_at=now, succeeded_at=now)


def refund_lost(world: World) -> None:
    """It says that it failed, and the money never came back."""
    change(TopUpRefund, {"pk": world.sent.pk}, status="failed", failed_at=timezone.now())


def refund_to_another(world: World) -> None:
    change(TopUpRefund, {"pk": world.sent.pk}, user=world.bob)


def more_goes_back_than_was_paid(world: World) -> None:
    with unchecked():
        change(TopUp, {"pk": world.goes_back.pk}, disputed_amount=Decimal("15.01"))


def payback_to_another(world: World) -> None:
    of = {"kind": "payback", "refund": world.asked}
    change(Transfer, of, debit_account=account("wallet", world.ada))
    change(LedgerAccount, {"owner": world.ada, "kind": "wallet"}, balance=F("balance") - 5)
    change(LedgerAccount, {"owner": world.payer, "kind": "wallet"}, balance=F("balance") + 5)


DAMAGES: Damages = [
    (credited_twice, "I16"),
    (paid_without_credit, "I16"),
    (credited_too_much, "I16"),
    (credit_of_no_top_up, "I14 I16"),
    (fee_forgotten, "I16"),
    (fee_never_asked_for, "I16"),
    (played_beside_real, "I16"),
    (fee_taken_from_the_payer, "I14"),
    (real_money_for_a_rehearsal, "I14"),
    (credited_to_another, "I14"),
    (refund_forgotten_by_its_top_up, "I18"),
    (refund_sent_by_word_alone, "I18"),
    (refund_lost, "I18"),
    (refund_to_another, "I18"),
    (more_goes_back_than_was_paid, "I18 I19"),
    (payback_to_another, "I14"),
    (debt_forgotten, "I17"),
    (debts_swapped, "I17"),
    (credit_beside_a_debt, "I17"),
    (debt_of_another, "I14 I17"),
    (debtor_without_debt, "I17"),
    (written_off_for_nothing, "I17"),
    (recovered_by_word_alone, "I17"),
    (taken_more_than_booked, "I19"),
    (fee_of_nobody, "I19"),
    (inquiry_that_took, "I19"),
    (dispute_left_alone, "I19"),
    (movement_of_no_dispute, "I19"),
    (disputed_and_refundable, "I19"),
]
