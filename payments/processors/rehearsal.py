"""A processor that only plays: a page of ours stands for its own, and no money is real.

It has no fees, and its credit comes from an account of its own.
"""

import secrets
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from common.errors import NotFound
from common.locks import Rank, take
from common.money import ZERO
from common.shapes import Json
from common.transactions import operation
from payments.models import RehearsalCheckout, TopUp, TopUpRefund
from payments.processors import Checkout, Found, Going, Payback, Paying

State = RehearsalCheckout.State
PAYS_AFTER = timedelta(seconds=30)
PAYING = {
    State.OPEN: Paying.OPEN,
    State.PAID: Paying.PAID,
    State.PENDING: Paying.PENDING,
    State.FAILED: Paying.FAILED,
    State.CLOSED: Paying.EXPIRED,
}


class Rehearsal:
    def parameters(self, top_up: TopUp, *, back: str) -> Json:
        return {"amount": str(top_up.amount), "currency": top_up.currency, "success_url": back}

    def open_checkout(self, top_up: TopUp) -> Checkout:
        made, _ = RehearsalCheckout.objects.get_or_create(
            top_up=top_up, defaults={"id": f"rehearsal_{secrets.token_hex(16)}"}
        )
        return Checkout(id=made.id, url=reverse("payments:rehearsal", args=[top_up.pk]))

    def look(self, top_up: TopUp) -> Found:
        played = RehearsalCheckout.objects.get(top_up=top_up)
        return Found(
            paying=_paying(played, top_up),
            checkout=played.id,
            about=str(top_up.pk),
            amount=top_up.amount,
            currency=top_up.currency,
            live=False,
            fee=ZERO,
            fee_currency=top_up.currency,
            paid_with="Rehearsal",
        )

    def pay_back(self, refund: TopUpRefund) -> Payback:
        return Payback(
            going=Going.ARRIVED,
            id=f"rehearsal_{refund.pk.hex}",
            about=str(refund.pk),
            amount=refund.amount,
            currency=refund.top_up.currency,
        )

    look_back = pay_back

    def is_live(self) -> bool:
        return False


def _paying(played: RehearsalCheckout, top_up: TopUp) -> Paying:
    if played.state == State.PENDING and played.pays_at and played.pays_at <= timezone.now():
        return Paying.PAID
    if played.state == State.OPEN and top_up.expires_at <= timezone.now():
        return Paying.EXPIRED
    return PAYING[State(played.state)]


@operation
def play(top_up: TopUp, state: str) -> RehearsalCheckout:
    """Play what somebody does on the page: `paid`, `failed`, `pending` (it is paid soon), `closed`.

    Once something was played, a repeat changes nothing. Locks the top-up. Raises `NotFound` for a
    top-up without such a page. What comes of it says `settle_top_up`.
    """
    take(Rank.TOP_UP, top_up.pk)
    TopUp.objects.locked().get(pk=top_up.pk)
    played = RehearsalCheckout.objects.filter(top_up=top_up).first()
    if played is None:
        raise NotFound
    if _paying(played, top_up) is Paying.OPEN:
        played.state = State(state)
        played.pays_at = timezone.now() + PAYS_AFTER if state == State.PENDING else None
        played.save(update_fields=["state", "pays_at"])
    return played
