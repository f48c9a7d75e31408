"""How money is held in escrow and comes back. When it does is decided in `enrollments`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F, OuterRef, Subquery

from accounts.models import User
from common.money import ZERO, total
from courses.models import Course, CourseSession
from payments.models import HoldPart, HoldStatus, PaymentHold, Transfer
from payments.services import ledger
from payments.services.ledger import ESCROW, Entry, wallet

Shares = Sequence[tuple[CourseSession, Decimal]]


def place_hold(
    *,
    student: User,
    course: Course,
    shares: Shares,
    now: datetime,
    folded: Sequence[HoldPart] = (),
    **purpose: Any,
) -> PaymentHold:
    """Take the sum of `shares` from the student's wallet into escrow, a part for each session.

    `purpose` is `enrollment=` or `session_purchase=`. The refunds of the `folded` parts, which
    `mark_refunded` has marked, reach the wallet first. Runs inside the caller's operation, which
    has locked the course; locks the wallet. Raises `InsufficientCredit`. The database refuses a
    second hold for the same purpose.
    """
    hold = PaymentHold.objects.create(
        student=student,
        teacher_id=course.teacher_id,
        amount=total(amount for _, amount in shares),
        held_at=now,
        **frozen_rates(student),
        **purpose,
    )
    HoldPart.objects.bulk_create(new_part(hold, session, amount) for session, amount in shares)
    ledger.transfer_all([*map(refund_entry, folded), _charge(hold)], actor=student)
    return hold


def frozen_rates(student: User) -> dict[str, Any]:
    """The rates of today, kept with the hold whatever the settings say later."""
    return {
        "commission_bp": settings.COMMISSION_BP,
        "referral_bp": settings.REFERRAL_BP,
        "referrer_id": student.referred_by_id,
    }


def new_part(hold: PaymentHold, session: CourseSession, amount: Decimal) -> HoldPart:
    """A part that remembers the start it was sold with; not saved."""
    return HoldPart(hold=hold, session=session, amount=amount, sold_starts_at=session.starts_at)


def lock_pending_parts(**where: Any) -> list[HoldPart]:
    """The pending parts with their holds, both locked, and each session's `starts_at` and status.

    The caller has locked the enrolment or purchase: it shields hold and parts, so that one
    statement may take both locks. The session is read by a subquery, which locks nothing.
    """
    session = CourseSession.objects.filter(pk=OuterRef("session_id"))
    parts = (
        HoldPart.objects.filter(status=HoldPart.Status.PENDING, **where)
        .select_related("hold")
        .annotate(
            starts_at=Subquery(session.values("starts_at")),
            session_status=Subquery(session.values("status")),
        )
        .locked()
    )
    holds: dict[Any, PaymentHold] = {}
    found = list(parts)
    for part in found:
        part.hold = holds.setdefault(part.hold_id, part.hold)
    return sorted(found, key=lambda part: part.pk)


def refund_parts(
    due: Sequence[HoldPart],
    *,
    pending: Sequence[HoldPart],
    reason: str,
    now: datetime,
    actor: User | None,
) -> Decimal:
    """Pay the `due` parts back to the student's wallet; gives the sum.

    `pending` are all parts that `lock_pending_parts` found for these holds. Settled parts are
    never among them, so a repeat finds nothing due and moves nothing. Locks the wallet.
    """
    mark_refunded(due, pending=pending, reason=reason, now=now)
    ledger.transfer_all(map(refund_entry, due), actor=actor)
    return total(part.amount for part in due)


def mark_refunded(
    due: Sequence[HoldPart], *, pending: Sequence[HoldPart], reason: str, now: datetime
) -> None:
    """Settle `due` as refunded, and their holds' totals; the caller moves the money."""
    if not due:
        return
    for part in due:
        part.status, part.reason, part.settled_at = HoldPart.Status.REFUNDED, reason, now
        part.refunded_amount = part.amount
        part.hold.refunded_amount += part.amount
    HoldPart.objects.filter(pk__in=[part.pk for part in due]).update(
        status=HoldPart.Status.REFUNDED,
        reason=reason,
        settled_at=now,
        refunded_amount=F("amount"),
    )
    still_held = {part.hold_id for part in pending if part.status == HoldPart.Status.PENDING}
    _save_totals({part.hold for part in due}, still_held)


def refund_entry(part: HoldPart) -> Entry:
    """The movement that brings a part back to the student's wallet."""
    return Entry(
        dedupe_key=f"refund:{part.pk}",
        kind=Transfer.Kind.REFUND,
        debit=ESCROW,
        credit=wallet(part.hold.student_id),
        amount=part.amount,
        hold=part.hold,
        hold_part_id=part.pk,
    )


def _charge(hold: PaymentHold) -> Entry:
    return Entry(
        dedupe_key=f"hold:{hold.pk}",
        kind=Transfer.Kind.HOLD,
        debit=wallet(hold.student_id),
        credit=ESCROW,
        amount=hold.amount,
        hold=hold,
    )


def _save_totals(holds: Collection[PaymentHold], still_held: set[Any]) -> None:
    for hold in holds:
        if hold.pk not in still_held:
            hold.status = (
                HoldStatus.RELEASED if hold.released_amount > ZERO else HoldStatus.REFUNDED
            )
    PaymentHold.objects.bulk_update(holds, ["refunded_amount", "status", "notes"])
