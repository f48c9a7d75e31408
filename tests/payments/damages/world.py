"""One of everything that the audit looks at, and how it is damaged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection, models
from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from accounts.models import User
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from payments.models import (
    SYSTEM_ACCOUNTS,
    HoldPart,
    LedgerAccount,
    PaymentHold,
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


# Each with the invariants that find it.
Damages = list[tuple[Callable[[World], None], str]]
CENT = Decimal("0.01")


def account(kind: str, owner: User | None = None) -> LedgerAccount:
    if owner is None:
        return LedgerAccount.objects.get(pk=SYSTEM_ACCOUNTS[LedgerAccount.Kind(kind)])
    return LedgerAccount.objects.get(kind=kind, owner=owner)


def change(model: type[models.Model], keys: dict[str, object], **to: object) -> None:
    assert model._default_manager.filter(**keys).update(**to) == 1


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
def world(db) -> World:
    return make_world()


def make_world() -> World:
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
    with override_settings(MIN_WITHDRAWAL=Decimal(1)):
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
