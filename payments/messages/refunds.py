"""What users and staff are told about refunds to where the money came from."""

from collections.abc import Callable

from django.urls import reverse

from accounts.models import User
from common.formats import money
from notices.kinds import Button, Kind, Letter, register
from notices.models import Notice
from notices.services.outbox import put
from payments.messages.credit import credit_page, test_rows
from payments.models import TopUpRefund


def _refunded(notice: Notice) -> str:
    return (
        f"{money(notice.sum('amount'))} of your credit went back to {notice.text('paid_with')}. "
        "Your bank can take up to ten days to show it."
    )


def _not_refunded(notice: Notice) -> str:
    amount, place = money(notice.sum("amount")), notice.text("paid_with")
    return f"{amount} couldn't be refunded to {place}. It came back, and is yours here again."


def _for_staff(notice: Notice) -> str:
    return (
        f"A refund of {money(notice.sum('amount'))} failed: {notice.text('failure')}. The money is "
        "the user's again."
    )


def _refund_letter(subject: str, said: Callable[[Notice], str]) -> Callable[[Notice], Letter]:
    def letter(notice: Notice) -> Letter:
        amount = money(notice.sum("amount"))
        return Letter(
            subject=f"{subject}: {amount}",
            lead=said(notice),
            rows=(*test_rows(notice), ("Top-up", notice.text("reference")), ("Amount", amount)),
            button=Button("Open your credit", credit_page(notice)),
        )

    return letter


def _refund_screen(notice: Notice) -> str:
    return reverse("admin:payments_topuprefund_change", args=[notice.text("refund")])


def _staff_letter(notice: Notice) -> Letter:
    return Letter(
        subject=f"Refund failed: {money(notice.sum('amount'))}",
        lead=_for_staff(notice),
        rows=(*test_rows(notice), ("Top-up", notice.text("reference"))),
        button=Button("Open the refund", _refund_screen(notice)),
    )


OF_REFUNDS = {
    TopUpRefund.Status.SUCCEEDED: register(
        Kind(
            name="top_up_refunded",
            to="everybody",
            told="that credit went back to where they paid from",
            letter=_refund_letter("Refunded", _refunded),
            text=_refunded,
            page=credit_page,
        )
    ),
    TopUpRefund.Status.FAILED: register(
        Kind(
            name="refund_failed",
            to="everybody",
            told="that a refund failed, and came back",
            letter=_refund_letter("Refund failed", _not_refunded),
            text=_not_refunded,
            page=credit_page,
        )
    ),
}
REFUND_FAILED = register(
    Kind(
        name="refund_failed_staff",
        to="staff",
        told="that a refund failed, and why",
        letter=_staff_letter,
        text=_for_staff,
        page=_refund_screen,
    )
)


def tell_refund(refund: TopUpRefund) -> None:
    """Tell its user that a refund succeeded, or failed, each once; staff too, if it failed."""
    top_up = refund.top_up
    facts = {
        "refund": str(refund.pk),
        "amount": refund.amount,
        "reference": top_up.reference,
        "live": top_up.live,
        "paid_with": top_up.paid_with,
        "failure": refund.failure,
    }
    kind, about = OF_REFUNDS[TopUpRefund.Status(refund.status)], refund.pk
    told = [kind.tell(refund.user_id, about=about, facts=facts)]
    if refund.status == TopUpRefund.Status.FAILED:
        clerks = User.objects.filter(is_staff=True, is_active=True)
        told += [
            REFUND_FAILED.tell(clerk.pk, about=about, facts=facts)
            for clerk in clerks
            if clerk.has_perm("payments.refund_topup")
        ]
    put(told)
