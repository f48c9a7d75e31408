"""What happened to a session that was paid for, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from common.formats import minutes_of, money
from courses.models import CourseSession, grace
from payments.models import HoldPart, PaymentHold
from payments.reasons import Reason

MINUTE = timedelta(minutes=1)
# To the student, and to the teacher.
_STORIES = {
    Reason.STUDENT_CANCELLED: ("Cancelled by you", "Cancelled by the student"),
    Reason.SESSION_CANCELLED: ("Cancelled by the teacher", "Session cancelled"),
    Reason.SESSION_MOVED: ("Changed by the teacher, returned by you", "Returned after the change"),
    Reason.FOLDED: ("Became part of your full course", "Became part of the full course"),
    Reason.ATTENDED: ("Attended", "Attended"),
    Reason.MISSED: ("Missed", "Missed"),
    Reason.TEACHER_ABSENT: ("The teacher was absent", "You were absent"),
    Reason.STAFF_DECISION: ("Decided by our staff", "Decided by our staff"),
    Reason.ENROLLMENT_ENDED: ("Your enrolment ended", "Enrolment ended"),
}


class Tone(StrEnum):
    """How a status looks next to its word."""

    NEXT = "next"
    NOW = "done"
    GOOD = "good"
    BACK = "back"
    WARN = "warn"


@dataclass(frozen=True)
class Outcome:
    """`status` is the word for its money, `story` what happened, `settlement` what moved."""

    status: str
    story: str
    tone: Tone
    settlement: str = ""

    @property
    def badge(self) -> str:
        """The look of its badge; everything unsettled looks the same."""
        return "info" if self.tone in (Tone.NEXT, Tone.NOW) else self.tone

    @property
    def sentence(self) -> str:
        """`Missed (12%) · refunded $12.00`."""
        return " · ".join(filter(None, (self.story, self.settlement)))


def outcome_of(part: HoldPart, *, now: datetime, there: timedelta | None = None) -> Outcome:
    """What happened to a part, its session at hand; the student was `there` this long, if known."""
    if part.status == HoldPart.Status.PENDING:
        return _pending(part, now)
    word = HoldPart.Status(part.status).label
    settlement = f"{word.lower()} {money(part.amount)}" if part.amount else ""
    tone = Tone.GOOD if part.status == HoldPart.Status.RELEASED else Tone.BACK
    return Outcome(word, story_of(part, there=there), tone, settlement)


def story_for_teacher(part: HoldPart) -> str:
    """Why a part was settled as it was, for its teacher; empty while it is pending."""
    return _STORIES[Reason(part.reason)][1] if part.reason else ""


def story_of(part: HoldPart, *, there: timedelta | None = None) -> str:
    """Why a part was settled as it was, for its student, who was `there` this long, if known."""
    length = part.sold_duration_minutes
    if there is not None and part.reason == Reason.ATTENDED:
        return f"Attended {minutes_of(there // MINUTE, length)}"
    if there is not None and part.reason == Reason.MISSED:
        return f"Missed ({there * 100 // (length * MINUTE)}%)"
    return _STORIES[Reason(part.reason)][0]


def summary_of(hold: PaymentHold) -> str:
    """Where the money of a hold is: `$64.28 held · $14.28 released`, `all refunded`."""
    sums = {
        "held": hold.amount - hold.released_amount - hold.refunded_amount,
        "released": hold.released_amount,
        "refunded": hold.refunded_amount,
    }
    found = [(word, amount) for word, amount in sums.items() if amount]
    if len(found) == 1:
        return f"all {found[0][0]}"
    return " · ".join(f"{money(amount)} {word}" for word, amount in found)


def cancelled(refund: Decimal, to_debts: Decimal) -> str:
    """What cancelling refunded, in credits: `$48.00 is back in your credit.`

    Where all or some of it went `to_debts`, it says so.
    """
    if not refund:
        return "Cancelled. There was nothing to refund."
    if not to_debts:
        return f"{money(refund)} is back in your credit."
    if to_debts == refund:
        return f"{money(refund)} came back, and went towards what you owed."
    paid, rest = money(to_debts), money(refund - to_debts)
    return f"{money(refund)} came back: {paid} paid what you owed, {rest} is in your credit."


def _pending(part: HoldPart, now: datetime) -> Outcome:
    story, tone = _waiting(part.session, now)
    held = f"{money(part.amount)} held" if part.amount else ""
    if part.review_reason:
        return Outcome("Under review", "Our staff are checking it", Tone.WARN, held)
    return Outcome("Held", story, tone, held)


def _waiting(session: CourseSession, now: datetime) -> tuple[str, Tone]:
    if session.status == CourseSession.Status.CANCELLED:
        return "Cancelled by the teacher; the refund is on its way", Tone.BACK
    if now < session.starts_at:
        return "Upcoming", Tone.NEXT
    if now < session.ends_at:
        return "Running now", Tone.NOW
    return f"Ended · settled within {grace() // MINUTE} minutes of the end", Tone.NEXT
