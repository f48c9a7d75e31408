"""Staff decide on holds: pay out what waits in one, or give it back; dismiss late events' notes."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.utils import timezone
from django.utils.html import format_html, format_html_join

from accounts.models import User
from common.admin import link_to
from common.admin.deciding import LEFT, Answers, Decision, Done, Item, Prospect
from common.errors import DomainError
from common.formats import moment, money
from common.money import total
from enrollments.services.admission import checked_together
from payments.commission import shares_of_next
from payments.models import HoldPart, HoldStatus, PaymentHold
from rooms.attendance import Attended
from settlement.admin.attendance import attendance_for, pending_parts, presence
from settlement.services import deciding

Refuse = Callable[[HoldPart], DomainError | None]
Shares = Callable[[PaymentHold, Decimal], list[tuple[str, Decimal]]]


@dataclass(frozen=True, kw_only=True)
class OnHolds(Decision[PaymentHold]):
    """What is decided on by those who may decide on holds, part by part."""

    rights: tuple[str, ...] = ("payments.decide_paymenthold",)
    key: str = "hold"

    def about(
        self, hold: PaymentHold, items: Sequence[Item], outcome: str, refusal: DomainError | None
    ) -> Prospect[PaymentHold]:
        link = format_html('<span class="reference">{}</span>', link_to(hold, str(hold)))
        return Prospect(
            row=hold,
            name=name_of(hold),
            title=f"{hold.student} · {money(hold.amount)}",
            facts=[format_html("{} · teacher {}", link, hold.teacher)],
            items=items,
            outcome=outcome,
            refusal=refusal,
        )


@dataclass(frozen=True, kw_only=True)
class Settling(OnHolds):
    """Pending parts go one way: which of them stay, who gets how much, and what does it."""

    done: str
    refuse_part: Refuse
    shares: Shares
    service: Callable[..., deciding.Decision]
    columns: tuple[str, ...] = ("Settle", "Session", "Starts", "Attendance")
    together: Callable[[], AbstractContextManager] = checked_together

    def is_offered(self, hold: PaymentHold) -> bool:
        return hold.status == HoldStatus.HELD

    def prospects(self, rows: Sequence[PaymentHold], actor: User) -> list[Prospect[PaymentHold]]:
        attended = attendance_for(rows)
        return [self.prospect(hold, actor, attended) for hold in rows]

    def prospect(self, hold: PaymentHold, actor: User, attended: Attended) -> Prospect[PaymentHold]:
        items = [self.item(part, attended) for part in pending_parts(hold)]
        refusal = deciding.refuse_deciding(hold, actor)
        return self.about(hold, items, self.outcome(hold, items), refusal)

    def item(self, part: HoldPart, attended: Attended) -> Item:
        refusal = self.refuse_part(part)
        known = str(refusal) if refusal else presence(part, attended)
        review = part.review_reason and f"Under review: {part.review_reason}"
        starts = moment(part.session.starts_at)
        return Item(
            key=part.pk,
            cells=(str(part.session), starts, "; ".join(filter(None, (known, review)))),
            amount=part.amount,
            refused=refusal is not None,
        )

    def outcome(self, hold: PaymentHold, items: Sequence[Item]) -> str:
        """Who gets how much, if everything moves that can."""
        moving = [item.amount for item in items if not item.refused]
        if not moving:
            return ""
        shares = ((who, money(share)) for who, share in self.shares(hold, total(moving)))
        said = format_html_join(", ", "{} gets <strong>{}</strong>", shares)
        choice = f" if all {money(total(moving))} move; untick a session to leave it as it is"
        return format_html("{}{}.", said, choice if len(moving) > 1 else "")

    def deed(self, hold: PaymentHold, actor: User, answers: Answers) -> Done:
        chosen = {part.pk for part in hold.parts.all()} & answers.ticked
        if not chosen:
            return LEFT
        made = self.service(hold_id=hold.pk, actor=actor, part_ids=chosen, **answers.fields)
        return Done(f"{self.done} {money(made.amount)} ({len(made.parts)} of its parts)")


@dataclass(frozen=True, kw_only=True)
class Dismissing(OnHolds):
    """Notes of late events are put aside, as far as they still say what the page has told."""

    columns: tuple[str, ...] = ("Dismiss", "Session", "Settled as", "Note")

    def is_offered(self, hold: PaymentHold) -> bool:
        return deciding.parts_with_notes().filter(hold=hold).exists()

    def prospects(self, rows: Sequence[PaymentHold], actor: User) -> list[Prospect[PaymentHold]]:
        noted = deciding.parts_with_notes().filter(hold__in=rows)
        keys = set(noted.values_list("pk", flat=True))
        return [self.prospect(hold, actor, keys) for hold in rows]

    def prospect(self, hold: PaymentHold, actor: User, noted: set[UUID]) -> Prospect[PaymentHold]:
        items = [note_of(part) for part in hold.parts.all() if part.pk in noted]
        outcome = "" if items else "No late event speaks against it."
        return self.about(hold, items, outcome, deciding.refuse_party(hold, actor))

    def deed(self, hold: PaymentHold, actor: User, answers: Answers) -> Done:
        chosen = [part for part in hold.parts.all() if part.pk in answers.ticked]
        said = []
        for part in chosen:
            note = answers.told(part.pk)
            deciding.dismiss_note(part_id=part.pk, note=note, actor=actor)
            said.append(f"dismissed the note of {part.session}, “{note}”")
        return Done("; ".join(said)) if said else LEFT


def refuse_releasing(part: HoldPart) -> DomainError | None:
    """Why a part cannot be paid out now, if so."""
    session, now = part.session, timezone.now()
    return deciding.refuse_release(session, now)


def shares_of_release(hold: PaymentHold, amount: Decimal) -> list[tuple[str, Decimal]]:
    """Who gets how much of this amount, if it is paid out next."""
    shares = shares_of_next(
        amount,
        released=hold.released_amount,
        commission_bp=hold.commission_bp,
        referral_bp=hold.referral_bp if hold.referrer else 0,
    )
    people = zip((hold.teacher, hold.referrer, "the platform"), shares, strict=True)
    return [(str(who), share) for who, share in people if who]


DECISIONS = (
    Settling(
        verb="release",
        label="Release to the teacher",
        warning="Released money cannot be taken back: a mistake can only be corrected by a grant. "
        "Student and teacher read the reason.",
        done="released",
        refuse_part=refuse_releasing,
        shares=shares_of_release,
        service=deciding.release_hold,
    ),
    Settling(
        verb="refund",
        label="Refund to the student",
        warning="Once nothing is pending, the booking ends and its seat is free again. Student and "
        "teacher read the reason.",
        done="refunded",
        refuse_part=lambda part: None,
        shares=lambda hold, amount: [(str(hold.student), amount)],
        service=deciding.refund_hold,
    ),
    Dismissing(
        verb="dismiss",
        label="Dismiss notes of late events",
        warning="No money moves. If the settlement was wrong, correct it by a grant.",
    ),
)


def name_of(hold: PaymentHold) -> str:
    """The hold as staff know it."""
    return f"{hold} of {hold.student}"


def note_of(part: HoldPart) -> Item:
    """A settled part with what late events say against it."""
    settled = f"{part.get_reason_display()}, {part.get_status_display().lower()}"
    return Item(
        key=part.pk,
        cells=(str(part.session), settled, part.review_reason),
        amount=part.amount,
        told=part.review_reason,
    )
