"""What deciding on a hold would do, for staff to read before they do it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from django.utils import timezone

from accounts.models import User
from common.errors import DomainError
from common.money import total
from payments.commission import shares_of_next
from payments.models import HoldPart, PaymentHold
from rooms.attendance import Attended, attendance_in
from settlement.services.deciding import refuse_deciding, refuse_release
from settlement.verdicts import presences_of


class Row(NamedTuple):
    """A pending part, why it cannot move, if so, and who was there."""

    part: HoldPart
    refusal: DomainError | None
    presence: str


@dataclass(frozen=True)
class Prospect:
    """The pending `parts` of a hold; `refusal` where none of them can move."""

    hold: PaymentHold
    parts: Sequence[Row]
    refusal: DomainError | None
    releases: bool

    @property
    def can_move(self) -> bool:
        return not self.refusal and any(row.refusal is None for row in self.parts)

    @cached_property
    def amount(self) -> Decimal:
        return total(row.part.amount for row in self.parts if row.refusal is None)

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


def preview_refund(hold: PaymentHold, actor: User, attended: Attended) -> Prospect:
    """What `refund_hold` would do now; the hold comes with its parts. Locks nothing."""
    parts = [Row(part, None, presence(part, attended)) for part in pending_parts(hold)]
    return Prospect(hold, parts, refuse_deciding(hold, actor), releases=False)


def preview_release(hold: PaymentHold, actor: User, attended: Attended) -> Prospect:
    """What `release_hold` would do now; the hold comes with its parts. Locks nothing."""
    now = timezone.now()
    parts = [Row(part, _stays(part, now), presence(part, attended)) for part in pending_parts(hold)]
    return Prospect(hold, parts, refuse_deciding(hold, actor), releases=True)


def attendance_for(holds: Iterable[PaymentHold]) -> Attended:
    """Who was in the sessions of these holds, which come with their parts; two statements."""
    parts = [part for hold in holds for part in hold.parts.all()]
    return attendance_in({part.session_id: part.session for part in parts}.values())


def presence(part: HoldPart, attended: Attended) -> str:
    """How long student and teacher were there, `5 to 60` where nobody knows; nothing before."""
    if not part.session.has_started():
        return ""
    teacher, student = presences_of(part, attended)
    return f"Student {student}, teacher {teacher} of {part.sold_duration_minutes} min"


def pending_parts(hold: PaymentHold) -> list[HoldPart]:
    """Those that are not settled, of a hold that comes with its parts."""
    return [part for part in hold.parts.all() if part.status == HoldPart.Status.PENDING]


def _stays(part: HoldPart, now: datetime) -> DomainError | None:
    session = part.session
    return refuse_release(session.starts_at, session.duration_minutes, session.status, now)
