"""How money is held in escrow and returned. When that happens is decided above."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from django.conf import settings

from accounts.models import User
from common.locks import Rank, take
from common.money import CENT, ZERO, total
from common.writing import insert, save
from courses.models import Course, CourseSession
from payments import queries
from payments.commission import shares_of_next
from payments.models import HoldPart, HoldStatus, PaymentHold, Transfer
from payments.services import ledger
from payments.services.ledger import ESCROW, PLATFORM, Entry, earnings, wallet

Shares = Sequence[tuple[CourseSession, Decimal]]
SETTLED_FIELDS = [
    "status",
    "reason",
    "settled_at",
    "teacher_amount",
    "referrer_amount",
    "platform_amount",
    "refunded_amount",
]


def place_hold(
    *,
    student: User,
    course: Course,
    shares: Shares,
    now: datetime,
    wallet_id: UUID,
    folded: Sequence[HoldPart] = (),
    **purpose: Any,
) -> PaymentHold:
    """Take the sum of `shares` from the student's wallet into escrow, a part for each session.

    `wallet_id` is the wallet's key, `purpose` is `enrollment=` or `session_purchase=`. The refunds
    of the `folded` parts, which `mark_refunded` has marked, reach the wallet first. Runs inside the
    caller's operation, which has locked the course; locks the wallet. Raises `InsufficientCredit`.
    The database refuses a second hold for the same purpose.
    """
    hold = PaymentHold(
        student=student,
        teacher_id=course.teacher_id,
        sold_title=course.title,
        amount=total(amount for _, amount in shares),
        held_at=now,
        **frozen_rates(student),
        **purpose,
    )
    insert([hold])
    insert([new_part(hold, session, amount) for session, amount in shares])
    refunds = [entry for part in folded for entry in _entries(part)]
    keys = {wallet(student.pk): wallet_id}
    ledger.transfer_all([*refunds, _charge(hold)], actor=student, keys=keys)
    return hold


class Rates(TypedDict):
    commission_bp: int
    referral_bp: int
    referrer_id: UUID | None


def frozen_rates(student: User) -> Rates:
    """The current rates, kept with the hold whatever the settings say later."""
    return {
        "commission_bp": settings.COMMISSION_BP,
        "referral_bp": settings.REFERRAL_BP,
        "referrer_id": student.referred_by_id,
    }


def new_part(hold: PaymentHold, session: CourseSession, amount: Decimal) -> HoldPart:
    """A part that remembers the title, start and length it was sold with; not saved."""
    return HoldPart(
        hold_id=hold.pk,
        session_id=session.pk,
        amount=amount,
        sold_title=str(session),
        sold_starts_at=session.starts_at,
        sold_duration_minutes=session.duration_minutes,
    )


def lock_pending_parts(*holds: PaymentHold) -> list[HoldPart]:
    """The pending parts with their holds, both locked, each with its session as it is now.

    Brings these holds up to date if anything of them is pending. The caller has locked the
    enrolment or purchase, which protects hold and parts, so one statement may take both locks.
    """
    known = {hold.pk: hold for hold in holds}
    take(Rank.HOLD, *known)
    found = queries.lock_pending_parts(list(known))
    take(Rank.PART, *(part.pk for part, _ in found))
    for part, of_hold in found:
        part.hold = known[part.hold_id]
        for name in (*queries.HOLD_FIELDS, "wallet_id"):
            setattr(part.hold, name, of_hold[f"held_{name}"])
    return sorted((part for part, _ in found), key=lambda part: part.pk)


class Verdict(NamedTuple):
    """How a pending part ends: `status` released or refunded, and why."""

    part: HoldPart
    status: HoldPart.Status
    reason: str


class Settled(NamedTuple):
    """What settling moved, in credits; and what of the refunds paid what their student owed."""

    released: Decimal
    refunded: Decimal
    to_debts: Decimal


def settle_parts(
    verdicts: Sequence[Verdict],
    *,
    pending: Sequence[HoldPart],
    now: datetime,
    actor: User | None,
    note: str = "",
) -> Settled:
    """Release some parts of holds and refund others, all or nothing; gives the sums.

    `pending` are all parts that `lock_pending_parts` found for these holds. Settled parts are
    never among them, so a repeat finds nothing due and moves nothing. A part of 0.00 is settled
    without a transfer. Locks the wallets and earnings concerned, together.
    """
    _mark(verdicts, pending=pending, now=now)
    settled = [verdict.part for verdict in verdicts]
    entries = (entry for part in settled for entry in _entries(part, note))
    wallets = {wallet(part.hold.student_id): part.hold.wallet_id for part in settled}
    moved = ledger.transfer_all(entries, actor=actor, keys=wallets)
    return Settled(
        released=total(part.amount - part.refunded_amount for part in settled),
        refunded=total(part.refunded_amount for part in settled),
        to_debts=total(one.amount for one in moved if one.debtor_id),
    )


def refund_parts(
    due: Sequence[HoldPart],
    *,
    pending: Sequence[HoldPart],
    reason: str,
    now: datetime,
    actor: User | None,
) -> Decimal:
    """Pay the `due` parts back to the student's wallet; gives the sum.

    `pending`, repeats and locks are those of `settle_parts`.
    """
    verdicts = [Verdict(part, HoldPart.Status.REFUNDED, reason) for part in due]
    return settle_parts(verdicts, pending=pending, now=now, actor=actor).refunded


def mark_refunded(
    due: Sequence[HoldPart], *, pending: Sequence[HoldPart], reason: str, now: datetime
) -> None:
    """Settle `due` as refunded, and their holds' totals; the caller moves the money."""
    _mark([Verdict(p, HoldPart.Status.REFUNDED, reason) for p in due], pending=pending, now=now)


def _mark(verdicts: Sequence[Verdict], *, pending: Sequence[HoldPart], now: datetime) -> None:
    """Save how parts end, who gets what of them, and what that means for their holds."""
    for part, status, reason in verdicts:
        hold = part.hold
        part.status, part.reason, part.settled_at = status, reason, now
        if status == HoldPart.Status.REFUNDED:
            part.refunded_amount = part.amount
            hold.refunded_amount += part.amount
        else:
            part.teacher_amount, part.referrer_amount, part.platform_amount = shares_of_next(
                part.amount,
                released=hold.released_amount,
                commission_bp=hold.commission_bp,
                referral_bp=hold.referral_bp if hold.referrer_id else 0,
            )
            hold.released_amount += part.amount
    holds = {verdict.part.hold for verdict in verdicts}
    still_held = {part.hold_id for part in pending if part.status == HoldPart.Status.PENDING}
    for hold in holds:
        if hold.amount:
            share = hold.released_amount * 100 / hold.amount
            hold.release_percentage = share.quantize(CENT, ROUND_DOWN)
        if hold.pk not in still_held:
            released = hold.released_amount > ZERO
            hold.status = HoldStatus.RELEASED if released else HoldStatus.REFUNDED
            hold.released_at = now if released else None
    save([verdict.part for verdict in verdicts], SETTLED_FIELDS)
    save([*holds], queries.HOLD_FIELDS)


def _entries(part: HoldPart, note: str = "") -> list[Entry]:
    """The movements of a settled part: to the student, or to those who earned it."""
    hold, kinds, key = part.hold, Transfer.Kind, part.pk
    moves = [
        (f"refund:{key}", kinds.REFUND, wallet(hold.student_id), part.refunded_amount),
        (f"release:{key}:teacher", kinds.RELEASE, earnings(hold.teacher_id), part.teacher_amount),
        (f"release:{key}:platform", kinds.RELEASE, PLATFORM, part.platform_amount),
    ]
    if hold.referrer_id:
        referrer = earnings(hold.referrer_id)
        moves.append((f"release:{key}:referrer", kinds.RELEASE, referrer, part.referrer_amount))
    return [
        Entry(
            dedupe_key=dedupe_key,
            kind=kind,
            debit=ESCROW,
            credit=account,
            amount=amount,
            hold=hold,
            hold_part_id=key,
            note=note,
        )
        for dedupe_key, kind, account, amount in moves
        if amount
    ]


def _charge(hold: PaymentHold) -> Entry:
    return Entry(
        dedupe_key=f"hold:{hold.pk}",
        kind=Transfer.Kind.HOLD,
        debit=wallet(hold.student_id),
        credit=ESCROW,
        amount=hold.amount,
        hold=hold,
    )
