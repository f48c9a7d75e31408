"""What users are told about their withdrawals: each step."""

from typing import NamedTuple

from django.urls import reverse

from common.formats import money
from notices.kinds import Button, Kind, Letter, Quote, register
from notices.models import Notice
from notices.services.outbox import put
from payments.models import Withdrawal

Status = Withdrawal.Status


class Step(NamedTuple):
    """What is told about a status: the email's subject, and what it says about the `amount`."""

    told: str
    subject: str
    said: str


STEPS = {
    Status.REQUESTED: Step(
        "that it was asked for",
        "Withdrawal requested",
        "You asked us to pay out {amount}. If it wasn't you, cancel it, and change your password.",
    ),
    Status.APPROVED: Step(
        "that staff approved it",
        "Withdrawal approved",
        "Your withdrawal of {amount} is approved. We'll tell you once it is paid.",
    ),
    Status.COMPLETED: Step(
        "that it was paid, with the bank's reference", "Paid out", "We paid out {amount} to you."
    ),
    Status.REJECTED: Step(
        "why staff rejected it, and that the money is back in their earnings",
        "Withdrawal rejected",
        "Your withdrawal of {amount} was rejected. The money is back in your earnings.",
    ),
    Status.CANCELLED: Step(
        "that they took it back themselves",
        "Withdrawal cancelled",
        "You cancelled your withdrawal of {amount}. The money is back in your earnings.",
    ),
}


def _step(notice: Notice) -> Step:
    return STEPS[Status(notice.text("status"))]


def _said(notice: Notice) -> str:
    return _step(notice).said.format(amount=money(notice.sum("amount")))


def _text(notice: Notice) -> str:
    reason = notice.text("reason")
    return f"{_said(notice)} Our staff: “{reason}”" if reason else _said(notice)


def _withdrawals(notice: Notice) -> str:
    return reverse("payments:withdrawals")


def _letter(notice: Notice) -> Letter:
    amount, reference = money(notice.sum("amount")), notice.text("reference")
    reason = notice.text("reason")
    return Letter(
        subject=f"{_step(notice).subject}: {amount}",
        lead=_said(notice),
        rows=(
            ("Amount", amount),
            ("To", notice.text("to")),
            *((("Reference", reference),) if reference else ()),
        ),
        quote=Quote(reason, by="Our staff") if reason else None,
        button=Button("See your withdrawals", _withdrawals(notice)),
    )


KINDS = {
    status: register(
        Kind(
            name=f"withdrawal_{status}",
            to="teachers and referrers",
            told=f"of a withdrawal {step.told}",
            letter=_letter,
            text=_text,
            page=_withdrawals,
        )
    )
    for status, step in STEPS.items()
}


def tell_step(withdrawal: Withdrawal) -> None:
    """Tell the user of a withdrawal its status, each status once."""
    facts = {
        "status": withdrawal.status,
        "amount": withdrawal.amount,
        "to": withdrawal.masked_details,
        "reference": withdrawal.payout_reference,
        "reason": withdrawal.notes,
    }
    kind = KINDS[Status(withdrawal.status)]
    put([kind.tell(withdrawal.teacher_id, about=withdrawal.pk, facts=facts)])
