"""How much of a user's credit can go back to where it came from, and by which top-ups."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from accounts.models import User
from common.money import ZERO, total
from payments.models import HoldPart, TopUp, TopUpQuerySet, TopUpRefund
from payments.processors import methods
from payments.reasons import Reason

# A time, and an amount.
Moment = tuple[datetime, Decimal]
# Why credit came back through no doing of the student's, and how long that counts.
CALLED_OFF_LASTS = timedelta(days=14)
CALLED_OFF = (Reason.SESSION_CANCELLED, Reason.TEACHER_ABSENT)


class Piece(NamedTuple):
    """What can go back of one top-up."""

    top_up: TopUp
    amount: Decimal


def top_ups_to_refund(user: User) -> TopUpQuerySet:
    """Those of which something is left with us, whether or not it may go back now."""
    return TopUp.objects.of(user).with_a_rest().filter(method__in=methods())


def pieces_of(
    top_ups: Iterable[TopUp], *, free: Decimal, now: datetime, by_staff: bool = False
) -> list[Piece]:
    """How `free` credit of a user can go back: by the newest of their top-ups first.

    Each up to what is left of it, so what was granted counts as spent first. By an older one than
    `TOP_UP_REFUND_DAYS` staff alone can send something back; or its user, as much as came back
    lately because a teacher called off.
    """
    newest_first = sorted(top_ups, key=lambda top_up: (top_up.paid_at, top_up.pk), reverse=True)
    since = now - timedelta(days=settings.TOP_UP_REFUND_DAYS)
    old = [top_up for top_up in newest_first if top_up.paid_at and top_up.paid_at < since]
    late = ZERO if by_staff or not old else _came_back(old[0].user_id, now)
    pieces = []
    for top_up in newest_first:
        amount = min(top_up.rest, free)
        if top_up in old and not by_staff:
            amount = min(amount, late)
            late -= amount
        free -= amount
        if amount:
            pieces.append(Piece(top_up, amount))
    return pieces


def first_of(pieces: Sequence[Piece], amount: Decimal) -> list[Piece]:
    """Those by which `amount` credits go back."""
    chosen = []
    for top_up, at_most in pieces:
        taken = min(at_most, amount)
        amount -= taken
        if taken:
            chosen.append(Piece(top_up, taken))
    return chosen


def _came_back(user_id: UUID, now: datetime) -> Decimal:
    """What came back of late because a teacher called off, and did not go back yet by this way."""
    parts = HoldPart.objects.filter(
        hold__student=user_id, reason__in=CALLED_OFF, refunded_amount__gt=0
    )
    came = [(at, amount) for at, amount in parts.values_list("settled_at", "refunded_amount") if at]
    refunds = TopUpRefund.objects.filter(user=user_id, asked_by=user_id)
    days = timedelta(days=settings.TOP_UP_REFUND_DAYS)
    went = [
        (asked_at, amount)
        for asked_at, amount, paid_at in refunds.exclude(
            status=TopUpRefund.Status.FAILED
        ).values_list("requested_at", "amount", "top_up__paid_at")
        if paid_at and paid_at < asked_at - days
    ]
    return _left(came, went, now)


def _left(came: Iterable[Moment], went: Iterable[Moment], now: datetime) -> Decimal:
    """What is left of what came in the last days, where what went took the oldest of its days."""
    stock = sorted(came)
    left = [amount for _, amount in stock]
    for at, gone in sorted(went):
        to_take = gone
        for number, (came_at, _) in enumerate(stock):
            if came_at <= at <= came_at + CALLED_OFF_LASTS:
                taken = min(left[number], to_take)
                left[number] -= taken
                to_take -= taken
    return total(
        rest for (at, _), rest in zip(stock, left, strict=True) if now <= at + CALLED_OFF_LASTS
    )
