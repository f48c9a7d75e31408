"""What whoever earns is told of a withdrawal: each of its steps, once."""

from decimal import Decimal

import pytest

from notices.models import Notice
from payments.errors import WithdrawalDecided
from payments.services.withdrawals import approve_withdrawal
from tests.factories import PAYOUT_DETAILS, StaffFactory, TeacherFactory, earn, withdraw
from tests.telling import mailed, told, words_of

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
