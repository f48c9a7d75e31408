"""Each invariant fails when, and only when, the rows that it speaks of are damaged."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection, models
from django.db.models import F
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from courses.models import Course, CourseSession
from courses.services import write_outline
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from payments import audit
from payments.models import (
    SYSTEM_ACCOUNTS,
    DebtWriteOff,
    Dispute,
    Grant,
    HoldPart,
    HoldStatus,
    LedgerAccount,
    PaymentHold,
    TopUp,
    TopUpRefund,
    Transfer,
    Withdrawal,
)
from payments.services.grants import request_grant
from payments.services.refunds import request_refund, settle_refund
from payments.services.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    complete_withdrawal,
    reject_withdrawal,
    request_withdrawal,
)
from tests.factories import (
    DAY,
    StaffFactory,
    UserFactory,
    make_course,
    owe,
    start_session,
    student_with_credit,
    top_up_of,
)

World = SimpleNamespace
CENT = Decimal("0.01")


def failing() -> set[str]:
    return {finding.code for finding in audit.run() if not finding.ok}


def account(kind: str, owner: User | None = None) -> LedgerAccount:
    if owner is None:
        return LedgerAccount.objects.get(pk=SYSTEM_ACCOUNTS[LedgerAccount.Kind(kind)])
    return LedgerAccount.objects.get(kind=kind, owner=owner)


def move(key: str, debit: LedgerAccount, credit: LedgerAccount, amount: str, **of: object) -> None:
    """A transfer with its balances, past the services: some of these they would refuse to make."""
    Transfer.objects.create(
        dedupe_key=key, debit_account=debit, credit_account=credit, amount=Decimal(amount), **of
    )
    users = LedgerAccount.objects.exclude(owner=None)
    users.filter(pk=debit.pk).update(balance=F("balance") - Decimal(amount))
    users.filter(pk=credit.pk).update(balance=F("balance") + Decimal(amount))


def release(part: HoldPart, shares: dict[str, str], payees: dict[str, LedgerAccount]) -> None:
    for role, amount in shares.items():
        key = f"release:{part.pk}:{role}"
        of = {"kind": "release", "hold": part.hold, "hold_part": part}
        move(key, account("escrow"), payees[role], amount, **of)
    changed = {f"{role}_amount": Decimal(amount) for role, amount in shares.items()}
    HoldPart.objects.filter(pk=part.pk).update(
        status="released", settled_at=timezone.now(), **changed
    )
    PaymentHold.objects.filter(pk=part.hold_id).update(
        released_amount=F("released_amount") + sum(changed.values())
    )


def withdraw(teacher: User) -> dict[str, Withdrawal]:
    """One in every status, each of another amount."""
    staff, amounts = StaffFactory(), count(3)

    def ask() -> Withdrawal:
        amount = Decimal(next(amounts))
        return request_withdrawal(user=teacher, amount=amount, payout_details="ES91 2100 0418")

    def approve() -> Withdrawal:
        return approve_withdrawal(withdrawal_id=ask().pk, actor=staff)

    return {
        "requested": ask(),
        "approved": approve(),
        "completed": complete_withdrawal(withdrawal_id=approve().pk, actor=staff, reference="R 1"),
        "rejected": reject_withdrawal(withdrawal_id=approve().pk, actor=staff, reason="Bounced"),
        "cancelled": cancel_withdrawal(user=teacher, withdrawal_id=ask().pk),
    }


@pytest.fixture
def world(db, settings) -> World:
    """One of everything: bought whole, singly, folded, cancelled, released, withdrawn."""
    referrer = UserFactory()
    ada = student_with_credit(referral_code=referrer.referral_code)
    bob = student_with_credit()
    course, other = make_course(sessions=3, max_students=3), make_course(sessions=2, max_students=3)
    first, second = course.sessions.all()[:2]
    purchase_session(student=ada, session_id=second.pk)
    enrollment = enroll_full_course(student=ada, course_id=course.pk)
    purchase = purchase_session(student=bob, session_id=first.pk)
    single = purchase_session(student=ada, session_id=other.sessions.all()[0].pk)
    returned = purchase_session(student=bob, session_id=second.pk)
    cancel_session_purchase(student=bob, purchase_id=returned.pk)
    cancelled = enroll_full_course(student=bob, course_id=other.pk)
    cancel_enrollment(student=bob, enrollment_id=cancelled.pk)
    start_session(first, ago=DAY)
    teacher = course.teacher
    payees = {
        "teacher": account("earnings", teacher),
        "referrer": account("earnings", referrer),
        "platform": account("platform"),
    }
    part = HoldPart.objects.get(hold__enrollment=enrollment, session=first)
    release(part, {"teacher": "23.33", "referrer": "7.00", "platform": "3.00"}, payees)
    of_bob = HoldPart.objects.get(hold__session_purchase=purchase)
    release(of_bob, {"teacher": "11.20", "platform": "4.80"}, payees)
    PaymentHold.objects.filter(pk=of_bob.hold_id).update(status="released")
    settings.MIN_WITHDRAWAL = Decimal(1)
    withdrawals = withdraw(teacher)
    debtor = UserFactory()
    dispute = owe(debtor, "25.00").disputes.get()
    grant = request_grant(
        user=ada, amount=Decimal(2), reason="A gift", request_id=uuid4(), actor=StaffFactory()
    )
    payer = UserFactory()
    goes_back = top_up_of(payer, "30.00")
    with override_settings(PAYMENTS="rehearsal"):
        sent = request_refund(user=payer, amount=Decimal("10.00"))
        settle_refund(sent.pk)
        asked = request_refund(user=payer, amount=Decimal("5.00"))
    top_up, unpaid = top_up_of(ada, "20.00"), top_up_of(ada, "20.00", play_it="")
    return World(**locals())


def change(model: type[models.Model], keys: dict[str, object], **to: object) -> None:
    assert model._default_manager.filter(**keys).update(**to) == 1


@contextmanager
def unchecked() -> Iterator[None]:
    """The database's own CHECKs look away, as after a faulty import."""
    if connection.vendor == "mysql" and not connection.mysql_is_mariadb:
        pytest.skip("MySQL's CHECKs look away for DDL alone, which would end the transaction.")
    off, on = {
        "mysql": (
            "SET SESSION check_constraint_checks = 0",
            "SET SESSION check_constraint_checks = 1",
        ),
        "sqlite": ("PRAGMA ignore_check_constraints = ON", "PRAGMA ignore_check_constraints = OFF"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(off)
        try:
            yield
        finally:
            cursor.execute(on)


def hold_of(world: World) -> PaymentHold:
    return PaymentHold.objects.get(enrollment=world.enrollment)


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


def only_part_lost(world: World) -> None:
    """The only part of a hold; no transfer names it, since it is pending."""
    HoldPart.objects.get(hold__session_purchase=world.single).delete()


def price_changed(world: World) -> None:
    change(CourseEnrollment, {"pk": world.enrollment.pk}, total_price_paid=Decimal("99.50"))


def purchase_price_changed(world: World) -> None:
    change(SessionPurchase, {"pk": world.purchase.pk}, price_paid=Decimal("15.00"))


def refund_forgotten(world: World) -> None:
    change(SessionPurchase, {"pk": world.returned.pk}, refund_amount=0)


def refund_of_enrollment_forgotten(world: World) -> None:
    change(CourseEnrollment, {"pk": world.cancelled.pk}, refund_amount=0)


def enrollment_without_hold(world: World) -> None:
    course = make_course()
    CourseEnrollment.objects.create(user=world.bob, course=course, total_price_paid=1)
    change(Course, {"pk": course.pk}, current_students=1)


def purchase_without_hold(world: World) -> None:
    session = make_course().sessions.all()[0]
    SessionPurchase.objects.create(
        user=world.bob, course=session.course, session=session, price_paid=1
    )


def hold_of_another_session(world: World) -> None:
    other = world.other.sessions.all()[1]
    change(SessionPurchase, {"pk": world.single.pk}, session=other)


def cancelled_without_refund(world: World) -> None:
    change(CourseEnrollment, {"pk": world.enrollment.pk}, status="cancelled")
    change(Course, {"pk": world.course.pk}, current_students=F("current_students") - 1)


def purchase_cancelled_without_refund(world: World) -> None:
    change(SessionPurchase, {"pk": world.single.pk}, status="cancelled")


def count_wrong(world: World) -> None:
    change(Course, {"pk": world.course.pk}, current_students=2)


def session_oversold(world: World) -> None:
    """One seat for the enrolment, none for who bought the next session singly."""
    purchase_session(student=world.bob, session_id=world.second.pk)
    change(Course, {"pk": world.course.pk}, max_students=1)


def bought_both_ways(world: World) -> None:
    change(SessionPurchase, {"pk": world.single.pk}, session=world.second)
    change(HoldPart, {"hold__session_purchase": world.single}, session=world.second)


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


def session_settled_too_early(world: World) -> None:
    change(CourseSession, {"pk": world.second.pk}, status="completed")


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


def more_admitted_than_seats(world: World) -> None:
    """A running session: nothing of it is for sale, and one too many may enter."""
    purchase_session(student=world.bob, session_id=world.second.pk)
    start_session(world.second)
    change(Course, {"pk": world.course.pk}, max_students=1)


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


def next_start_forgotten(world: World) -> None:
    change(Course, {"pk": world.course.pk}, next_starts_at=None)


def next_start_of_no_session(world: World) -> None:
    change(Course, {"pk": world.course.pk}, next_starts_at=timezone.now() + 400 * DAY)


DAMAGES: list[tuple[Callable[[World], None], str]] = [
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
    (only_part_lost, "I3 I5"),
    (price_changed, "I6"),
    (purchase_price_changed, "I6"),
    (refund_forgotten, "I6"),
    (refund_of_enrollment_forgotten, "I6"),
    (enrollment_without_hold, "I6"),
    (purchase_without_hold, "I6"),
    (hold_of_another_session, "I6"),
    (cancelled_without_refund, "I6"),
    (purchase_cancelled_without_refund, "I6"),
    (count_wrong, "I7"),
    (session_oversold, "I7 I15"),
    (bought_both_ways, "I8"),
    (withdrawal_vanished, "I9 I10"),
    (withdrawal_approved_and_taken_back, "I9 I10"),
    (withdrawal_open_again, "I9 I10"),
    (withdrawal_of_another_amount, "I9 I10"),
    (withdrawal_returned_and_paid, "I10"),
    (withdrawal_without_transfers, "I10"),
    (another_amount_paid, "I10"),
    (second_escrow, "I11"),
    (system_kind_with_owner, "I11"),
    (session_settled_too_early, "I12 I21"),
    (rates_changed, "I13"),
    (referral_rate_changed, "I13"),
    (referrer_forgotten, "I13 I14"),
    (kind_changed, "I14"),
    (unknown_kind, "I14"),
    (refunded_to_another, "I14"),
    (released_to_another, "I14"),
    (part_of_another_hold, "I4 I14"),
    (more_admitted_than_seats, "I15"),
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
    (grant_to_oneself, "I20"),
    (grant_agreed_on_by_its_asker, "I20"),
    (grant_agreed_on_by_its_owner, "I20"),
    (granted_without_a_transfer, "I20"),
    (granted_but_refused, "I20"),
    (withdrawal_approved_by_its_owner, "I20"),
    (withdrawal_paid_by_its_owner, "I20"),
    (part_decided_on_by_its_student, "I20"),
    (next_start_forgotten, "I21"),
    (next_start_of_no_session, "I21"),
]


def test_an_untouched_world_passes(world):
    assert failing() == set()
    assert not any(finding.notices for finding in audit.run())


@pytest.mark.parametrize(
    ("damage", "codes"), DAMAGES, ids=[damage.__name__ for damage, _ in DAMAGES]
)
def test_damage_is_found_by_what_speaks_of_it(world, damage, codes):
    damage(world)
    assert failing() == set(codes.split())


def test_every_invariant_has_been_seen_to_fail():
    seen = {code for _, codes in DAMAGES for code in codes.split()}
    assert seen == {invariant.code for invariant in audit.INVARIANTS}
    assert len(audit.INVARIANTS) == 21


def test_what_several_checks_sum_is_summed_once(world):
    with CaptureQueriesContext(connection) as queries:
        audit.run()
    sums = [query["sql"] for query in queries]
    assert sum("FROM hold_parts GROUP BY hold_id" in sql for sql in sums) == 1
    assert sum("JOIN moved" in sql for sql in sums) == 1


def test_sums_that_are_too_many_to_keep_are_found_by_each_check(world, monkeypatch):
    monkeypatch.setattr(audit, "AT_MOST", 1)
    assert failing() == set()
    PaymentHold.objects.filter(status="held").update(status="refunded")
    assert failing() == {"I3"}


def test_offenders_are_named(world):
    price_changed(world)
    [finding] = [finding for finding in audit.run() if not finding.ok]
    [offender] = finding.offenders
    assert offender.id == str(world.enrollment.pk)
    assert "total_price_paid 99.50, held 100" in offender.problem


def test_what_waits_for_staff_or_the_sweep_is_a_notice(world):
    change(CourseSession, {"pk": world.second.pk}, status="cancelled")
    third = world.course.sessions.all()[2]
    change(CourseSession, {"pk": third.pk}, status="completed")
    parts = {"hold": hold_of(world), "session": third}
    change(HoldPart, parts, review_reason="No event of the room")
    write_outline(world.course)
    findings = audit.run()
    assert all(finding.ok for finding in findings)
    [finding] = [finding for finding in findings if finding.notices]
    assert finding.code == "I12"
    assert sorted(notice.problem.split(":")[0] for notice in finding.notices) == [
        "the session is cancelled",
        "under review",
    ]


def test_cents_are_rounded_on_what_was_released_so_far(world):
    """Of 33.34 alone the teacher would get 23.33; as the last part of 100.00 it pays 23.34."""
    parts = HoldPart.objects.filter(hold=hold_of(world), status="pending")
    for part, teacher in zip(parts.order_by("amount"), ("23.33", "23.34"), strict=True):
        shares = {"teacher": teacher, "referrer": "7.00", "platform": "3.00"}
        release(part, shares, world.payees)
    change(PaymentHold, {"enrollment": world.enrollment}, status="released")
    assert failing() == set()


@pytest.mark.django_db(transaction=True)
def test_double_bookings_are_seen_without_the_constraint(world):
    twice = {"pk": world.cancelled.pk}, {"pk": world.returned.pk}
    with without_unique(CourseEnrollment), without_unique(SessionPurchase):
        change(CourseEnrollment, twice[0], user=world.ada, course=world.course, status="active")
        change(SessionPurchase, twice[1], session=world.first, status="active")
        finding = next(finding for finding in audit.run() if finding.code == "I8")
        change(CourseEnrollment, twice[0], status="cancelled")
        change(SessionPurchase, twice[1], status="cancelled")
    assert [offender.problem.split(" (")[0] for offender in finding.offenders] == [
        "the user has the course twice",
        "the user has the session twice",
    ]


@contextmanager
def without_unique(model: type[models.Model]) -> Iterator[None]:
    """SQLite makes the table anew, from what the model says at that moment."""
    kept = model._meta.constraints
    [unique] = [c for c in kept if isinstance(c, models.UniqueConstraint)]
    model._meta.constraints = [c for c in kept if c is not unique]
    try:
        with connection.schema_editor() as editor:
            editor.remove_constraint(model, unique)
        yield
    finally:
        model._meta.constraints = kept
        with connection.schema_editor() as editor:
            editor.add_constraint(model, unique)


@pytest.mark.django_db(transaction=True)
def test_what_is_written_meanwhile_is_not_seen(world):
    """A balance is falsified between the first check and the others."""
    checks = []

    def meanwhile(execute, sql, params, many, context):
        if "WITH moved" in sql:
            checks.append(sql)
            if len(checks) == 2:
                in_another_connection(lambda: balance_raised(world))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(meanwhile):
        assert failing() == set()
    assert failing() == {"I1", "I11"}


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_the_connection_goes_on_as_it_was(world):
    before = isolation()
    assert failing() == set()
    assert isolation() == before
    assert connection.get_autocommit()
    balance_raised(world)


def isolation() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SHOW VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')"
        )
        return str(cursor.fetchall())


def in_another_connection(act: Callable[[], None]) -> None:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result(timeout=20)
