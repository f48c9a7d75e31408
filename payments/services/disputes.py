"""What is taken back outside: disputes, and refunds made at Stripe's own desk.

An event only says where to look. Stripe is asked outside every transaction; then the top-up, the
dispute and the wallet are locked, and what is not booked yet is: each of Stripe's balance
transactions once, by its id.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import chain
from uuid import UUID

from django.utils import timezone

from common.formats import money
from common.locks import Rank, take
from common.money import ZERO, total
from common.transactions import operation, refuse_within_operation
from payments.errors import ProcessorSilent, ProcessorUnavailable
from payments.messages.credit import tell_dispute
from payments.models import DebtWriteOff, Dispute, TopUp, TopUpRefund, Transfer
from payments.models.disputes import recount
from payments.processors import Movement, TakenBack
from payments.processors.stripe import Stripe
from payments.services import ledger
from payments.services.debts import lock_write_offs, recover
from payments.services.ledger import FEES, PLATFORM, Entry, Ref, wallet
from payments.services.refunds import settle_refunds_of
from payments.services.topups import settle_top_up
from payments.services.turns import FIRST_LOOK, LONGEST_PAUSE

logger = logging.getLogger(__name__)

Kind = Transfer.Kind
Settle = Callable[[str], Dispute | None]
AT_ONCE, MOST_LOOKS = 50, 30_000
# Of how long ago the job asks for those that nobody told us of.
UNHEARD_OF = timedelta(days=14)


def settle_dispute(processor_id: str) -> Dispute | None:
    """Ask Stripe how a dispute stands, and book what it took or gave back, each movement once.

    What webhook and job both call; whatever comes twice or late changes nothing more. Gives None
    for one of no top-up of ours. Raises `ProcessorUnavailable`, and `RuntimeError` inside an
    operation. Locks the top-up, the dispute, then the wallet, afterwards.
    """
    refuse_within_operation()
    return _settle(Stripe().look_at_dispute(processor_id))


def settle_desk_refund(processor_id: str) -> Dispute | None:
    """The same of a refund that was made at Stripe's own desk, which takes what it gave away."""
    refuse_within_operation()
    return _settle(Stripe().look_at_refund(processor_id))


def _settle(said: TakenBack) -> Dispute | None:
    top_up = _about(said)
    if top_up is None:
        return None
    if not top_up.is_paid:
        # It can be told of before anybody came back from paying.
        settle_top_up(top_up.pk)
    # Stripe sends back nothing more of what is disputed: what it refused is not on its way to the
    # payer, and would look like a debt. Where it doesn't say, that follows later.
    with suppress(ProcessorUnavailable):
        settle_refunds_of(top_up.pk)
    return book(top_up.pk, said)


def _about(said: TakenBack) -> TopUp | None:
    """Its top-up: the one that is known, or that its payment was made for."""
    known = Dispute.objects.select_related("top_up").filter(processor_id=said.id).first()
    if known:
        return known.top_up
    try:
        return TopUp.objects.filter(pk=UUID(said.about), method=TopUp.Method.STRIPE).first()
    except ValueError:
        return None


@operation
def book(top_up_id: UUID, said: TakenBack) -> Dispute:
    """Change a dispute by what was said of it a moment ago, which may be outdated by now.

    So nothing that is booked is ever taken for undone, and nothing leads back from its end. Locks
    the top-up, the dispute, the wallet.
    """
    take(Rank.TOP_UP, top_up_id)
    top_up = TopUp.objects.locked().get(pk=top_up_id)
    dispute, before = _lock_or_open(top_up, said)
    dispute.problem = _mismatch(top_up, said)
    if not dispute.is_closed or said.status in Dispute.CLOSED:
        dispute.status, dispute.due_by = said.status, said.due_by
    if not dispute.problem:
        _move(top_up, dispute, said)
    now = timezone.now()
    if not dispute.may_change:
        dispute.next_look_at = None
    elif dispute.next_look_at is None:
        dispute.looks, dispute.next_look_at = 0, now + FIRST_LOOK
    dispute.save()
    recount(top_up)
    top_up.save(update_fields=["disputed_amount", "updated_at"])
    if before != (dispute.status, dispute.problem):
        tell_dispute(dispute)
    return dispute


def _lock_or_open(top_up: TopUp, said: TakenBack) -> tuple[Dispute, tuple[str, str] | None]:
    """The row of what was said, and its status and problem so far, unless it is new.

    Its top-up is locked, so nobody else adds it.
    """
    found = Dispute.objects.filter(processor_id=said.id, top_up=top_up).locked().first()
    before = (found.status, found.problem) if found else None
    if found is None:
        found = Dispute.objects.create(
            top_up=top_up,
            kind=said.kind,
            processor_id=said.id,
            status=said.status,
            reason=said.reason,
            amount=said.amount,
            opened_at=said.opened_at,
        )
    take(Rank.DISPUTE, found.pk)
    return found, before


def _mismatch(top_up: TopUp, said: TakenBack) -> str:
    """What can't be true of it: then nothing is booked, and staff have to look."""
    if not top_up.is_paid:
        return "the top-up was not credited"
    if said.payment_intent != top_up.payment_intent:
        return f"payment {said.payment_intent}, not {top_up.payment_intent}"[:200]
    if said.live is not None and said.live != top_up.live:
        return f"mode {'live' if said.live else 'test'}, not {'live' if top_up.live else 'test'}"
    if foreign := {one.currency for one in said.movements} - {top_up.currency}:
        return f"moved {', '.join(sorted(foreign))}, not {top_up.currency}"
    taken = total(-one.amount for one in said.movements if one.amount < 0)
    given = total(one.amount for one in said.movements if one.amount > 0)
    if given > taken:
        return f"gave back {money(given)} of {money(taken)}"
    if taken - given > top_up.amount:
        return f"took {money(taken)} of {money(top_up.amount)}"
    return ""


def _move(top_up: TopUp, dispute: Dispute, said: TakenBack) -> None:
    """Book the movements that are not booked yet."""
    keys = {f"dispute:{one.id}": one for one in said.movements}
    booked = Transfer.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True)
    done = {*booked}
    due = [(key, movement) for key, movement in keys.items() if key not in done]
    # Before the wallet, which each movement locks.
    gives = any(movement.amount > ZERO for _, movement in due)
    write_offs = lock_write_offs(top_up.user_id) if gives else []
    for key, movement in due:
        _book_movement(top_up, dispute, key, movement, write_offs)


def _book_movement(
    top_up: TopUp,
    dispute: Dispute,
    key: str,
    movement: Movement,
    write_offs: Sequence[DebtWriteOff],
) -> None:
    dispute.fee += movement.fee
    there, mine = Ref(top_up.method), wallet(top_up.user_id)
    make = partial(Entry, top_up=top_up, dispute=dispute, note=top_up.reference)
    taken, given = max(-movement.amount, ZERO), max(movement.amount, ZERO)
    dispute.taken += taken
    dispute.given_back += given
    if taken:
        # What is spent already is owed.
        lost = partial(make, kind=Kind.DISPUTE, debit=mine, credit=there, owing=True)
        moved = [lost(dedupe_key=key, amount=taken)]
    else:
        ours = recover(dispute, write_offs=write_offs, amount=given)
        rest = given - ours
        back = partial(make, kind=Kind.DISPUTE_WON, debit=there)
        moved = [
            back(credit=mine, dedupe_key=key, amount=rest),
            back(credit=PLATFORM, dedupe_key=key + ":platform" * bool(rest), amount=ours),
        ]
    ledger.transfer_all([*moved, _fee_of(movement, there, make)])


def _fee_of(movement: Movement, there: Ref, make: Callable[..., Entry]) -> Entry:
    """What the bank's work costs us, or comes back of that."""
    cost, gets = (FEES, there) if movement.fee > ZERO else (there, FEES)
    return make(
        kind=Kind.DISPUTE_FEE,
        debit=cost,
        credit=gets,
        dedupe_key=f"dispute_fee:{movement.id}",
        amount=abs(movement.fee),
    )


def settle_all() -> Iterator[bool]:
    """Ask about those that may change, and those that nobody told us of; whether each worked.

    At most `AT_ONCE` of those that are known, the longest due first, each in the care of one pass
    at a time. Silence of the processor ends it: all are due again later.
    """
    try:
        for settle, key in chain(_due(), _unheard_of()):
            yield _try(settle, key)
    except ProcessorUnavailable:
        logger.exception("Stripe was not asked about disputes")
        yield False


def _due() -> Iterator[tuple[Settle, str]]:
    for dispute in [*Dispute.objects.to_look_at(timezone.now())[:AT_ONCE]]:
        if _claim(dispute.pk):
            is_refund = dispute.kind == Dispute.Kind.DESK_REFUND
            yield (settle_desk_refund if is_refund else settle_dispute), dispute.processor_id


def _unheard_of() -> Iterator[tuple[Settle, str]]:
    """What Stripe lists of late and we don't know: no event came of it, or none of it is ours."""
    stripe, since = Stripe(), timezone.now() - UNHEARD_OF
    listed: dict[str, Settle] = dict.fromkeys(stripe.disputes_since(since), settle_dispute)
    listed |= dict.fromkeys(_none_of_ours(stripe.refunds_since(since)), settle_desk_refund)
    known = Dispute.objects.filter(processor_id__in=listed).values_list("processor_id", flat=True)
    for key in listed.keys() - {*known}:
        yield listed[key], key


def _none_of_ours(refunds: dict[str, str]) -> list[str]:
    """Those that no refund of ours is, whatever they say: a restored backup doesn't know them all.

    Of which the answer is still to come is read first: it may come any moment.
    """
    unsent = {
        str(key)
        for key in TopUpRefund.objects.open().filter(processor_id=None).values_list("pk", flat=True)
    }
    sent = {
        *TopUpRefund.objects.filter(processor_id__in=refunds).values_list("processor_id", flat=True)
    }
    return [key for key, about in refunds.items() if key not in sent and about not in unsent]


def _try(settle: Settle, key: str) -> bool:
    """Whether it worked; the others are due all the same, unless nobody answers."""
    try:
        settle(key)
    except ProcessorSilent:
        raise
    except Exception:
        logger.exception("the dispute %s was not settled", key)
        return False
    return True


@operation
def _claim(dispute_id: UUID) -> bool:
    """Whether it is still due; then it is due again only after a pause, longer each time."""
    take(Rank.DISPUTE, dispute_id)
    dispute = Dispute.objects.locked().get(pk=dispute_id)
    now = timezone.now()
    if dispute.next_look_at is None or dispute.next_look_at > now:
        return False
    dispute.next_look_at = now + min(FIRST_LOOK * 2 ** min(dispute.looks, 9), LONGEST_PAUSE)
    dispute.looks = min(dispute.looks + 1, MOST_LOOKS)
    dispute.save(update_fields=["looks", "next_look_at"])
    return True
