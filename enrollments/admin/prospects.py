"""What deciding on a hold would do, for staff to read before they do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.utils import timezone

from accounts.models import User
from common.errors import DomainError
from common.money import total
from enrollments.services.decisions import refuse_deciding, refuse_release
from payments.commission import shares_of_next
from payments.models import HoldPart, PaymentHold


@dataclass(frozen=True)
class Prospect:
    """The pending `parts` of a hold, each with why it stays, if so; `refusal` where all do."""

    hold: PaymentHold
    parts: Sequence[tuple[HoldPart, DomainError | None]]
    refusal: DomainError | None
    releases: bool

    @property
    def can_move(self) -> bool:
        return not self.refusal and any(refusal is None for _, refusal in self.parts)

    @cached_property
    def amount(self) -> Decimal:
        return total(part.amount for part, refusal in self.parts if refusal is None)

    @property
    def payees(self) -> list[tuple[str, Decimal]]:
        """Who gets how much, if everything moves that can."""
        hold = self.hold
        if not self.releases:
            return [(str(hold.student), self.amount)]
        shares = shares_of_next(
            self.amount,
            released=hold.released_amount,
            commission_bp=hold.commission_bp,
            referral_bp=hold.referral_bp if hold.referrer else 0,
        )
        people = zip((hold.teacher, hold.referrer, "the platform"), shares, strict=True)
        return [(str(who), amount) for who, amount in people if who]


def preview_refund(hold: PaymentHold, actor: User) -> Prospect:
    """What `refund_hold` would do now; the hold comes with its parts. Locks nothing."""
    parts = [(part, None) for part in pending_parts(hold)]
    return Prospect(hold, parts, refuse_deciding(hold, actor), releases=False)


def preview_release(hold: PaymentHold, actor: User) -> Prospect:
    """What `release_hold` would do now; the hold comes with its parts. Locks nothing."""
    now = timezone.now()
    parts = [(part, _stays(part, now)) for part in pending_parts(hold)]
    return Prospect(hold, parts, refuse_deciding(hold, actor), releases=True)


def pending_parts(hold: PaymentHold) -> list[HoldPart]:
    """Those that are not settled, of a hold that comes with its parts."""
    return [part for part in hold.parts.all() if part.status == HoldPart.Status.PENDING]


def _stays(part: HoldPart, now: datetime) -> DomainError | None:
    return refuse_release(part.session.starts_at, part.session.status, now)
