"""What people are told of their credit, and of a withdrawal: each of its steps, once."""

from decimal import Decimal
from uuid import uuid4

import pytest

from notices.models import Notice
from payments.errors import InsufficientCredit, OwnCredit, WithdrawalDecided
from payments.services.grants import grant_credit, request_grant, revoke_credit
from payments.services.withdrawals import approve_withdrawal
from tests.factories import (
    PAYOUT_DETAILS,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    earn,
    student_with_credit,
    withdraw,
)
from tests.telling import mailed, told, was_told, words_of

pytestmark = pytest.mark.django_db

BACK = "The money is back in your earnings."
TOLD = {
    "withdrawal_requested": (
        "Withdrawal requested: $25.00",
        "You asked us to pay out $25.00. If it wasn't you, cancel it, and change your password.",
        [],
        "",
    ),
    "withdrawal_approved": (
        "Withdrawal approved: $25.00",
        "Your withdrawal of $25.00 is approved. We'll tell you once it is paid.",
        [],
        "",
    ),
    "withdrawal_completed": (
        "Paid out: $25.00",
        "We paid out $25.00 to you.",
        ["Reference: SEPA 2026-1"],
        "",
    ),
    "withdrawal_rejected": (
        "Withdrawal rejected: $25.00",
        f"Your withdrawal of $25.00 was rejected. {BACK}",
        ["Our staff:", "> The bank sent it back"],
        " Our staff: “The bank sent it back”",
    ),
    "withdrawal_cancelled": (
        "Withdrawal cancelled: $25.00",
        f"You cancelled your withdrawal of $25.00. {BACK}",
        [],
        "",
    ),
}


@pytest.fixture
def teacher():
    teacher = TeacherFactory()
    earn(teacher, "100.00")
    Notice.objects.all().delete()
    return teacher


@pytest.mark.parametrize("kind", TOLD)
def test_each_step(teacher, kind):
    status = kind.removeprefix("withdrawal_")
    withdraw(teacher, Decimal("25.00"), status=status)
    subject, said, more, why = TOLD[kind]
    notice = told(teacher, kind)
    button = ["See your withdrawals:", "/earnings/withdrawals/"]
    rows = ["Amount: $25.00", "To: •••• 1332"]
    assert mailed(notice) == [subject, said, *rows, *more, *button]
    assert words_of(notice) == f"{said}{why}"
    assert PAYOUT_DETAILS not in str(notice.facts)
    steps = {"requested": 1, "approved": 2, "completed": 3, "rejected": 3, "cancelled": 2}
    assert Notice.objects.filter(reader=teacher).count() == steps[status]


def test_a_step_that_is_refused_tells_nothing(teacher):
    made = withdraw(teacher, status="completed")
    before = Notice.objects.count()
    with pytest.raises(WithdrawalDecided):
        approve_withdrawal(withdrawal_id=made.pk, actor=StaffFactory())
    assert Notice.objects.count() == before


CREDIT = {
    "credit_granted": (
        grant_credit, "Credit added: $25.00", "Our staff added $25.00 to your credit."
    ),
    "credit_revoked": (
        revoke_credit, "Credit revoked: $25.00", "Our staff took $25.00 off your credit."
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CREDIT)
@pytest.mark.parametrize("by_hand", [True, False])
def test_credit_that_staff_move_is_told_once(kind, by_hand):
    move, subject, said = CREDIT[kind]
    user, request, clerk = student_with_credit("30.00"), uuid4(), StaffFactory()
    for _ in range(2):
        wanted = {"user": user, "amount": Decimal("25.00"), "reason": "Sofía was ill"}
        if by_hand:
            (request_grant if move is grant_credit else move)(
                **wanted, request_id=request, actor=clerk
            )
        else:
            move(**wanted, request_id=request)
    notice = told(user, kind)
    assert mailed(notice) == [
        subject,
        said,
        "Amount: $25.00",
        "Our staff:",
        "> Sofía was ill",
        "See your credit:",
        "/credit/",
    ]
    assert words_of(notice) == f"{said} Our staff: “Sofía was ill”"
    assert not notice.must_acknowledge
    assert Notice.objects.count() == 1


def test_credit_that_is_not_moved_is_not_told():
    user, staff = UserFactory(), StaffFactory()
    wanted = {"amount": Decimal("25.00"), "reason": "A slip", "request_id": uuid4()}
    with pytest.raises(InsufficientCredit):
        revoke_credit(user=user, actor=staff, **wanted)
    with pytest.raises(OwnCredit):
        request_grant(user=staff, actor=staff, **wanted)
    assert was_told(user, "credit_revoked") == was_told(staff, "credit_granted") == 0
