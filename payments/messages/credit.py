"""What users are told about their credit, and about each step of their withdrawals."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.urls import reverse

from accounts.models import User
from common.formats import moment, money
from notices.kinds import Button, Kind, Letter, Quote, register
from notices.models import Notice
from notices.services.outbox import put
from payments.models import Dispute, TopUp, Transfer, Withdrawal

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


def credit_page(notice: Notice) -> str:
    """The page of the reader's credit."""
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
            button=Button("See your credit", credit_page(notice)),
        )

    return register(
        Kind(
            name=name,
            to="everybody",
            told=told,
            letter=letter,
            text=lambda notice: f"{words(notice)}{_why(notice)}",
            page=credit_page,
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


def tell_credit(user_id: UUID, moved: Transfer, *, amount: Decimal) -> None:
    """Tell a user that staff granted or revoked credit, once for each transfer."""
    facts = {"amount": amount, "reason": moved.note}
    put([OF_CREDIT[Transfer.Kind(moved.kind)].tell(user_id, about=moved.pk, facts=facts)])


def _owed(notice: Notice) -> str:
    amount, owed = money(notice.sum("amount")), money(notice.sum("owed"))
    return (
        f"A payment of yours was taken back, and {amount} of it was already spent. You owe {owed} "
        "now. Anything that comes into your credit pays this first."
    )


def _debt_paid(notice: Notice) -> str:
    amount, owed = money(notice.sum("amount")), notice.sum("owed")
    rest = f"You still owe {money(owed)}." if owed else "You don't owe anything now."
    return f"{amount} went towards what you owed. {rest}"


def _of_debts(name: str, told: str, subject: str, said: Callable[[Notice], str]) -> Kind:
    def letter(notice: Notice) -> Letter:
        return Letter(
            subject=f"{subject}: {money(notice.sum('amount'))}",
            lead=said(notice),
            rows=(("You owe", money(notice.sum("owed"))),),
            button=Button("Open your credit", credit_page(notice)),
        )

    return register(
        Kind(name=name, to="everybody", told=told, letter=letter, text=said, page=credit_page)
    )


OWED = _of_debts(
    "credit_owed",
    "that they owe what was taken back after it was spent",
    "You owe",
    _owed,
)
DEBT_PAID = _of_debts(
    "debt_paid",
    "what of their credit paid a debt, and what they still owe",
    "Paid towards what you owed",
    _debt_paid,
)


def tell_debt(moved: Transfer, *, risen_by: Decimal, owed: Decimal) -> None:
    """Tell a debtor that they owe more, or less, and how much by now; once for each transfer."""
    assert moved.debtor_id
    kind, facts = OWED if risen_by > 0 else DEBT_PAID, {"amount": abs(risen_by), "owed": owed}
    put([kind.tell(moved.debtor_id, about=moved.pk, facts=facts)])


def _top_up(notice: Notice) -> str:
    return reverse("payments:top_up", args=[notice.text("top_up")])


def test_rows(notice: Notice) -> tuple[tuple[str, str], ...]:
    """A row for those that took no real money."""
    return () if notice.facts.get("live", True) else (("Test", "No real money"),)


def _paid(notice: Notice) -> str:
    return f"Your top-up of {money(notice.sum('amount'))} is in your credit."


def _receipt(notice: Notice) -> Letter:
    amount, paid_with = money(notice.sum("amount")), notice.text("paid_with")
    return Letter(
        subject=f"Receipt: {amount} of credit",
        lead=_paid(notice),
        rows=(
            *test_rows(notice),
            ("Reference", notice.text("reference")),
            ("Amount", amount),
            *((("Paid with", paid_with),) if paid_with else ()),
        ),
        button=Button("See your receipt", _top_up(notice)),
    )


def _not_paid(notice: Notice) -> str:
    amount = money(notice.sum("amount"))
    return f"Your top-up of {amount} failed: the payment didn't go through. Nothing was charged."


def _no_receipt(notice: Notice) -> Letter:
    amount = money(notice.sum("amount"))
    return Letter(
        subject=f"Top-up failed: {amount}",
        lead=_not_paid(notice),
        rows=(*test_rows(notice), ("Reference", notice.text("reference")), ("Amount", amount)),
        button=Button("Open your credit", credit_page(notice)),
    )


OF_TOP_UPS = {
    TopUp.Status.PAID: register(
        Kind(
            name="top_up_paid",
            to="everybody",
            told="that their top-up was paid, with its receipt",
            letter=_receipt,
            text=_paid,
            page=_top_up,
        )
    ),
    TopUp.Status.FAILED: register(
        Kind(
            name="top_up_failed",
            to="everybody",
            told="that their top-up failed, after they paid by a slow method",
            letter=_no_receipt,
            text=_not_paid,
            page=credit_page,
        )
    ),
}


def tell_top_up(top_up: TopUp) -> None:
    """Tell a user that a top-up was paid, or failed: each once."""
    facts = {
        "top_up": str(top_up.pk),
        "amount": top_up.amount,
        "reference": top_up.reference,
        "live": top_up.live,
        "paid_with": (top_up.receipt or {}).get("paid_with", ""),
    }
    kind = OF_TOP_UPS[TopUp.Status(top_up.status)]
    put([kind.tell(top_up.user_id, about=top_up.pk, facts=facts)])


def _dispute_page(notice: Notice) -> str:
    return reverse("admin:payments_dispute_change", args=[notice.text("dispute")])


def _disputed(notice: Notice) -> str:
    amount, payer = money(notice.sum("amount")), notice.text("payer")
    if problem := notice.text("problem"):
        return f"What Stripe says of a payment of {amount} by {payer} can't be: {problem}."
    if notice.text("status").startswith("warning_"):
        return f"The bank of {payer} asks about a payment of {amount}. Nothing is taken for that."
    return f"The bank of {payer} takes back a payment of {amount}, unless we object."


def _dispute(notice: Notice) -> Letter:
    due_by = (("Answer by", moment(notice.time("due_by"))),) if notice.text("due_by") else ()
    return Letter(
        subject=f"Dispute: {money(notice.sum('amount'))}",
        lead=_disputed(notice),
        rows=(("Top-up", notice.text("reference")), *due_by),
        button=Button("Look at it", _dispute_page(notice)),
    )


DISPUTED = register(
    Kind(
        name="dispute_opened",
        to="staff",
        told="a payment that the payer's bank asks about or takes back, and until when to answer",
        letter=_dispute,
        text=_disputed,
        page=_dispute_page,
    )
)


def tell_dispute(dispute: Dispute) -> None:
    """Tell staff who may look at disputes of one that they have to answer or to look into.

    Of each of its statuses and problems once; of any other, nobody.
    """
    if not (dispute.problem or dispute.status in Dispute.TO_ANSWER):
        return
    top_up = dispute.top_up
    facts = {
        "dispute": dispute.pk,
        "amount": dispute.amount,
        "payer": top_up.user.email,
        "reference": top_up.reference,
        "status": dispute.status,
        "problem": dispute.problem,
        "due_by": dispute.due_by,
    }
    about = f"{dispute.pk}:{'problem' if dispute.problem else dispute.status}"
    clerks = User.objects.filter(is_staff=True, is_active=True).order_by("pk")
    put(
        DISPUTED.tell(clerk.pk, about=about, facts=facts)
        for clerk in clerks
        if clerk.has_perm("payments.view_dispute")
    )
