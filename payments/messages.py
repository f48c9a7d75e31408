"""What users are told about their credit, and about each step of their withdrawals."""

from typing import NamedTuple
from uuid import UUID

from django.urls import reverse

from common.formats import money
from notices.kinds import Button, Kind, Letter, Quote, register
from notices.models import Notice
from notices.services.outbox import put
from payments.models import Transfer, Withdrawal

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
    return f"{_said(notice)}{_why(notice)}"


def _why(notice: Notice) -> str:
    reason = notice.text("reason")
    return f" Our staff: “{reason}”" if reason else ""


def _quote(notice: Notice) -> Quote | None:
    reason = notice.text("reason")
    return Quote(reason, by="Our staff") if reason else None


def _withdrawals(notice: Notice) -> str:
    return reverse("payments:withdrawals")


def _letter(notice: Notice) -> Letter:
    amount, reference = money(notice.sum("amount")), notice.text("reference")
    return Letter(
        subject=f"{_step(notice).subject}: {amount}",
        lead=_said(notice),
        rows=(
            ("Amount", amount),
            ("To", notice.text("to")),
            *((("Reference", reference),) if reference else ()),
        ),
        quote=_quote(notice),
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


def _credit(notice: Notice) -> str:
    return reverse("payments:credit")


def _of_credit(name: str, told: str, subject: str, said: str) -> Kind:
    """One direction; `said` tells of the `{amount}`."""

    def words(notice: Notice) -> str:
        return said.format(amount=money(notice.sum("amount")))

    def letter(notice: Notice) -> Letter:
        amount = money(notice.sum("amount"))
        return Letter(
            subject=f"{subject}: {amount}",
            lead=words(notice),
            rows=(("Amount", amount),),
            quote=_quote(notice),
            button=Button("See your credit", _credit(notice)),
        )

    return register(
        Kind(
            name=name,
            to="everybody",
            told=told,
            letter=letter,
            text=lambda notice: f"{words(notice)}{_why(notice)}",
            page=_credit,
        )
    )


OF_CREDIT = {
    Transfer.Kind.GRANT: _of_credit(
        "credit_granted",
        "credit that staff gave them, and why",
        "Credit added",
        "Our staff added {amount} to your credit.",
    ),
    Transfer.Kind.REVOKE: _of_credit(
        "credit_revoked",
        "credit that staff took back, and why",
        "Credit revoked",
        "Our staff took {amount} off your credit.",
    ),
}


def tell_credit(user_id: UUID, moved: Transfer) -> None:
    """Tell a user that staff granted or revoked credit, once for each transfer."""
    facts = {"amount": moved.amount, "reason": moved.note}
    put([OF_CREDIT[Transfer.Kind(moved.kind)].tell(user_id, about=moved.pk, facts=facts)])
