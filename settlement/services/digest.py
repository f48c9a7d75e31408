"""What waits for staff, told once a day: nobody has to look whether anything does."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from common.transactions import operation
from courses.models import CourseSession
from notices.models import Notice
from payments.models import (
    DebtWriteOff,
    Dispute,
    Grant,
    PaymentHold,
    ProcessorEvent,
    TopUp,
    TopUpRefund,
    Withdrawal,
)
from settlement.messages import tell_waiting
from settlement.queries import holds_overdue, holds_under_review
from settlement.services.deciding import parts_with_notes

# A settlement that is no later than this is under way.
SLACK = timedelta(hours=1)


class Errand(NamedTuple):
    """What may wait for staff, and the permission to look at it."""

    label: str
    right: str
    rows: Callable[[], QuerySet]


# In the order of the admin's first page.
ERRANDS = (
    Errand("Holds under review", "payments.view_paymenthold", holds_under_review),
    Errand(
        "Holds overdue",
        "payments.view_paymenthold",
        lambda: holds_overdue(timezone.now() - SLACK),
    ),
    Errand(
        "Holds with late events",
        "payments.view_paymenthold",
        lambda: PaymentHold.objects.filter(pk__in=parts_with_notes().values("hold")),
    ),
    Errand(
        "Sessions without a teacher",
        "courses.view_coursesession",
        CourseSession.objects.without_teacher,
    ),
    Errand(
        "Withdrawals requested",
        "payments.view_withdrawal",
        lambda: Withdrawal.objects.filter(status=Withdrawal.Status.REQUESTED),
    ),
    Errand(
        "Withdrawals to be paid",
        "payments.view_withdrawal",
        lambda: Withdrawal.objects.filter(status=Withdrawal.Status.APPROVED),
    ),
    Errand("Disputes to answer", "payments.view_dispute", Dispute.objects.to_answer),
    Errand(
        "Grants to decide on",
        "payments.view_grant",
        lambda: Grant.objects.filter(status=Grant.Status.ASKED),
    ),
    Errand(
        "Top-ups to look into",
        "payments.view_topup",
        lambda: TopUp.objects.in_question(timezone.now()),
    ),
    Errand(
        "Refunds to look into",
        "payments.view_topuprefund",
        lambda: TopUpRefund.objects.in_question(timezone.now()),
    ),
    Errand(
        "Debts to be written off",
        "payments.view_debtwriteoff",
        lambda: DebtWriteOff.objects.filter(status=DebtWriteOff.Status.ASKED),
    ),
    Errand(
        "Payment events not processed",
        "payments.view_processorevent",
        lambda: ProcessorEvent.objects.filter(
            processed_at=None, received_at__lt=timezone.now() - SLACK
        ),
    ),
    Errand(
        "Emails set aside",
        "notices.view_notice",
        lambda: Notice.objects.filter(mail=Notice.Mail.SET_ASIDE),
    ),
)


@operation
def tell_staff() -> int:
    """Mail all staff how much waits of what they may look at; gives how many are told.

    Once a day, however often it is called, and nobody of whom nothing waits.
    """
    waiting = [(errand, errand.rows().count()) for errand in ERRANDS]
    told: dict[UUID, list[tuple[str, int]]] = {}
    for clerk in User.objects.filter(is_staff=True, is_active=True).order_by("pk"):
        mine = [(one.label, n) for one, n in waiting if n and clerk.has_perm(one.right)]
        if mine:
            told[clerk.pk] = mine
    tell_waiting(told, day=timezone.now().date())
    return len(told)
