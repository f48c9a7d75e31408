"""Credit that goes back to where it came from: reserved here, asked for there, booked here once.

As with top-ups: no transaction is open while a processor is asked.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.errors import TooManyAttempts
from accounts.models import User
from common.formats import money
from common.locks import Rank, take
from common.money import ZERO, total
from common.transactions import operation, refuse_within_operation
from payments import queries
from payments.errors import InDispute, KeyReused, NotRefundable, OwnCredit, ProcessorUnavailable
from payments.messages.refunds import tell_refund
from payments.models import TopUp, TopUpRefund, Transfer
from payments.models.disputes import recount
from payments.processors import Going, Payback, processor_of
from payments.refunding import Piece, first_of, pieces_of, top_ups_to_refund
from payments.services import ledger
from payments.services.keys import under_its_key
from payments.services.ledger import REFUNDING, Entry, Ref, wallet
from payments.services.turns import FIRST_LOOK, LONGEST_PAUSE, settle_each

Status = TopUpRefund.Status
DAY = timedelta(days=1)
# How many requests users may make themselves.
PER_DAY = 10
# How long a processor is asked about those that succeeded: the pauses double from a day.
LATE_LOOKS = 6
REFUND = "payments.refund_topup"


class Asked(TypedDict):
    """By whom a request is, and why."""

    user: User
    asked_by: User
    reason: str
    requested_at: datetime


def preview_refund(user: User, *, credit: Decimal) -> list[Piece]:
    """By which top-ups a user's `credit` could go back now, as far as it can; locks nothing."""
    top_ups = [one for one in top_ups_to_refund(user) if not one.is_in_dispute]
    return pieces_of(top_ups, free=credit, now=timezone.now())


@operation
def request_refund(
    *,
    user: User,
    amount: Decimal,
    actor: User | None = None,
    top_up_id: UUID | None = None,
    request_id: UUID | None = None,
    reason: str = "",
) -> TopUpRefund:
    """Reserve `amount` credits of a user, to go back to where they came from (`→ refunding`).

    By the newest top-ups first, a row for each; gives the first. Its user asks, or an `actor` on
    the staff, who can name a top-up, give a reason, and needs no term. A repeat with the same
    `request_id` gives the first one again; with anything else it raises `KeyReused`. Locks the
    top-ups, then the wallet. Raises `NotRefundable`, `InDispute`, `TooManyAttempts`; for staff
    `OwnCredit` and Django's `PermissionDenied`.
    """
    _check(user, actor)
    asked_by = actor or user
    now, found = timezone.now(), top_ups_to_refund(user)
    keys = [*(found.filter(pk=top_up_id) if top_up_id else found).values_list("pk", flat=True)]
    take(Rank.TOP_UP, *keys)
    top_ups = [*TopUp.objects.filter(pk__in=keys).order_by("pk").locked()]
    [free] = queries.lock_account(ledger.Kind.WALLET, user.pk)
    take(Rank.ACCOUNT, free.pk)
    if request_id and (made := TopUpRefund.objects.filter(pk=request_id).first()):
        same = (user.pk, amount, asked_by.pk) == (made.user_id, made.total, made.asked_by_id)
        if not same or top_up_id not in (None, made.top_up_id):
            raise KeyReused
        return made
    if actor is None:
        _refuse_too_many(user, now)
    pieces = _choose(top_ups, amount, free.balance or ZERO, now, by_staff=actor is not None)
    asked: Asked = {"user": user, "asked_by": asked_by, "reason": reason, "requested_at": now}
    return _reserve(pieces, request_id or uuid7(), asked)


def _check(user: User, actor: User | None) -> None:
    if actor is None:
        return
    if not actor.has_perm(REFUND):
        raise PermissionDenied
    if actor.pk == user.pk:
        raise OwnCredit


def _choose(
    top_ups: list[TopUp], amount: Decimal, free: Decimal, now: datetime, *, by_staff: bool
) -> list[Piece]:
    """The pieces of exactly this amount."""
    clear = [one for one in top_ups if not one.is_in_dispute]
    pieces = pieces_of(clear, free=free, now=now, by_staff=by_staff)
    refundable = total(piece.amount for piece in pieces)
    if amount <= refundable:
        return first_of(pieces, amount)
    disputed = total(
        one.amount for one in pieces_of(top_ups, free=free, now=now, by_staff=by_staff)
    )
    refusal = InDispute if amount <= disputed else NotRefundable
    raise refusal(refundable=refundable)


def _reserve(pieces: list[Piece], request_id: UUID, asked: Asked) -> TopUpRefund:
    """A row for each piece; the key of the first is that of the request."""
    rows = [
        TopUpRefund(
            id=uuid7() if number else request_id,
            request_id=request_id,
            top_up=top_up,
            amount=amount,
            next_look_at=asked["requested_at"] + FIRST_LOOK,
            **asked,
        )
        for number, (top_up, amount) in enumerate(pieces)
    ]
    for row in rows:
        row.top_up.refunded_amount += row.amount
        row.top_up.save(update_fields=["refunded_amount", "updated_at"])
        with under_its_key():
            row.save(force_insert=True)
    kind, source = Transfer.Kind.PAYBACK, wallet(asked["user"].pk)
    entries = [_entry(row, kind, source, REFUNDING) for row in rows]
    ledger.transfer_all(entries, actor=asked["asked_by"])
    return rows[0]


def settle_refund(refund_id: UUID) -> TopUpRefund:
    """Have the processor send a refund, or ask it how far it is, and do what follows, once.

    What webhook, page and job all call; whatever comes twice or late changes nothing more. Raises
    `ProcessorUnavailable`, `TopUpRefund.DoesNotExist`, and `RuntimeError` inside an operation.
    Locks the top-up, the refund, then the wallet, afterwards.
    """
    refuse_within_operation()
    refund = TopUpRefund.objects.select_related("top_up").get(pk=refund_id)
    if refund.status == Status.FAILED:
        return refund
    processor = processor_of(refund.top_up.method)
    said = processor.look_back(refund) if refund.processor_id else processor.pay_back(refund)
    return _book(refund_id, said)


def settle_request(refund: TopUpRefund) -> TopUpRefund:
    """A request as it is now, for somebody who waits for it: sent, as far as that can be done."""
    for row in refund.rows.all():
        if row.status == Status.REQUESTED:
            with suppress(ProcessorUnavailable):
                settle_refund(row.pk)
    return TopUpRefund.objects.requests().get(pk=refund.pk)


def settle_refunds_of(top_up_id: UUID) -> None:
    """Settle those of a top-up that are open. Raises `ProcessorUnavailable`."""
    for key in TopUpRefund.objects.open().filter(top_up=top_up_id).values_list("pk", flat=True):
        settle_refund(key)


def settle_all_refunds() -> Iterator[bool]:
    """Settle those of which nothing was heard for a while; gives for each whether that worked."""
    due = TopUpRefund.objects.to_look_at(timezone.now())
    return settle_each("refund", due, _claim, settle_refund)


@operation
def _claim(refund_id: UUID) -> bool:
    """Whether it is still due; then it is due again only after a pause, longer each time."""
    refund, now = _lock(refund_id), timezone.now()
    if refund.next_look_at is None or refund.next_look_at > now:
        return False
    if refund.is_open:
        refund.next_look_at = now + min(FIRST_LOOK * 2 ** min(refund.looks, 9), LONGEST_PAUSE)
    else:
        goes_on = refund.looks < LATE_LOOKS
        refund.next_look_at = now + DAY * 2**refund.looks if goes_on else None
    refund.looks += 1
    refund.save(update_fields=["looks", "next_look_at"])
    return True


@operation
def _book(refund_id: UUID, said: Payback) -> TopUpRefund:
    """Change a refund by what its processor said a moment ago, which may be outdated by now.

    So it only ever goes on: requested, sent, succeeded, and failed from each of them.
    """
    refund = _lock(refund_id)
    status = refund.status
    refund.problem = _mismatch(refund, said)
    if not refund.problem and status != Status.FAILED:
        if said.going is Going.FAILED:
            _bring_back(refund, said)
        elif refund.is_open:
            _go_on(refund, said)
    refund.save(update_fields=SAVED)
    if refund.status != status and refund.status in (Status.SUCCEEDED, Status.FAILED):
        tell_refund(refund)
    return refund


SAVED = [
    "status", "processor_id", "sent_at", "succeeded_at", "failed_at", "failure", "problem",
    "looks", "next_look_at",
]  # fmt: skip


def _mismatch(refund: TopUpRefund, said: Payback) -> str:
    """What the processor says that isn't what we asked it for; nothing follows from it then."""
    expected = {
        "refund": (said.about, str(refund.pk)),
        "id": (said.id, refund.processor_id or said.id),
        "amount": (money(said.amount), money(refund.amount)),
        "currency": (said.currency, refund.top_up.currency),
    }
    wrong = (f"{name} {got}, not {ours}" for name, (got, ours) in expected.items() if got != ours)
    return "; ".join(wrong)[:200]


def _go_on(refund: TopUpRefund, said: Payback) -> None:
    now = timezone.now()
    refund.processor_id = refund.processor_id or said.id
    refund.sent_at = refund.sent_at or now
    if said.going is not Going.ARRIVED:
        refund.status = Status.SENT
        return
    refund.status, refund.succeeded_at = Status.SUCCEEDED, now
    fails_later = refund.top_up.method != TopUp.Method.REHEARSAL
    refund.looks, refund.next_look_at = 0, now + DAY if fails_later else None
    there = Ref(refund.top_up.method)
    ledger.transfer_all([_entry(refund, Transfer.Kind.PAYBACK_SENT, REFUNDING, there)])


def _bring_back(refund: TopUpRefund, said: Payback) -> None:
    """It is credit again, or pays a debt; also if it had arrived, and came back later."""
    was_there = refund.status == Status.SUCCEEDED
    refund.processor_id = refund.processor_id or said.id or None
    refund.status, refund.failed_at, refund.next_look_at = Status.FAILED, timezone.now(), None
    refund.failure = said.failure[:200]
    refund.top_up.refunded_amount -= refund.amount
    # A bank may have more of it than there seemed to be left.
    recount(refund.top_up)
    refund.top_up.save(update_fields=["refunded_amount", "disputed_amount", "updated_at"])
    source = Ref(refund.top_up.method) if was_there else REFUNDING
    entry = _entry(refund, Transfer.Kind.PAYBACK_RETURNED, source, wallet(refund.user_id))
    ledger.transfer_all([entry])


def _entry(refund: TopUpRefund, kind: str, debit: Ref, credit: Ref) -> Entry:
    """The only movement of this kind for this refund, for ever."""
    return Entry(
        dedupe_key=f"{kind}:{refund.pk}",
        kind=kind,
        debit=debit,
        credit=credit,
        amount=refund.amount,
        top_up=refund.top_up,
        refund=refund,
        note=refund.top_up.reference,
    )


def _lock(refund_id: UUID) -> TopUpRefund:
    """The refund, locked after its top-up, which it has at hand."""
    top_up_id = TopUpRefund.objects.values_list("top_up_id", flat=True).get(pk=refund_id)
    take(Rank.TOP_UP, top_up_id)
    top_up = TopUp.objects.locked().get(pk=top_up_id)
    take(Rank.REFUND, refund_id)
    refund = TopUpRefund.objects.locked().get(pk=refund_id)
    refund.top_up = top_up
    return refund


def _refuse_too_many(user: User, now: datetime) -> None:
    recent = TopUpRefund.objects.of(user).filter(
        asked_by=user, pk=F("request_id"), requested_at__gt=now - DAY
    )
    times = [*recent.order_by("-requested_at").values_list("requested_at", flat=True)]
    if len(times) >= PER_DAY:
        wait = times[PER_DAY - 1] + DAY - now
        raise TooManyAttempts(retry_after=int(wait.total_seconds()) + 1)
