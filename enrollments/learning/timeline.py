"""A student's money, step by step: held, session, attendance, released or refunded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from common.formats import money
from courses.models import CourseSession
from payments.models import HoldPart, HoldStatus, PaymentHold
from payments.outcomes import Outcome, Tone, outcome_of, summary_of

_ICONS = {
    Tone.NEXT: "clock",
    Tone.NOW: "video",
    Tone.GOOD: "check",
    Tone.BACK: "back",
    Tone.WARN: "warning",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: `at` for a moment, `session` for a time that lasts; `story` says what is known.

    `changed` is the part that was sold with another start or length.
    """

    title: str
    tone: Tone
    icon: str
    story: str = ""
    at: datetime | None = None
    session: CourseSession | None = None
    changed: HoldPart | None = None


def timeline_of(
    hold: PaymentHold,
    parts: Sequence[HoldPart],
    *,
    now: datetime,
    there: Mapping[UUID, timedelta],
) -> list[Step]:
    """The steps of a hold, oldest first; how long the student was `there`, by session.

    `parts` have their sessions at hand. A full course has a step for each session.
    """
    held = Step(title=f"Held {money(hold.amount)}", tone=Tone.NOW, icon="lock", at=hold.held_at)
    told = [(p, outcome_of(p, now=now, there=there.get(p.session_id))) for p in parts]
    if hold.enrollment_id is None:
        return [held, *(step for part, outcome in told for step in _alone(part, outcome, now))]
    return [held, *(_within_course(part, outcome, now) for part, outcome in told), *_end(hold)]


def has_changed(part: HoldPart, now: datetime) -> bool:
    """Whether the start or length of its upcoming session changed after the sale."""
    session = part.session
    return (
        part.status == HoldPart.Status.PENDING
        and session.is_open(now)
        and not part.is_as_sold(session)
    )


def _within_course(part: HoldPart, outcome: Outcome, now: datetime) -> Step:
    return Step(
        title=str(part.session),
        tone=outcome.tone,
        icon=_ICONS[outcome.tone],
        story=outcome.sentence,
        session=part.session,
        changed=part if has_changed(part, now) else None,
    )


def _end(hold: PaymentHold) -> list[Step]:
    if hold.status == HoldStatus.HELD:
        return []
    tone = Tone.GOOD if hold.status == HoldStatus.RELEASED else Tone.BACK
    return [Step(title="All settled", tone=tone, icon=_ICONS[tone], story=summary_of(hold))]


def _alone(part: HoldPart, outcome: Outcome, now: datetime) -> list[Step]:
    """The steps after the first of a session that was bought singly."""
    steps = [_session(part, outcome, now), _attendance(part, outcome, now), _money(part, outcome)]
    return steps if _had_to_be_attended(part) else [steps[0], steps[2]]


def _had_to_be_attended(part: HoldPart) -> bool:
    off = part.session.status == CourseSession.Status.CANCELLED
    return part.reason not in HoldPart.Reason.WITHOUT_ATTENDANCE and not (off and not part.reason)


def _session(part: HoldPart, outcome: Outcome, now: datetime) -> Step:
    running = part.session.starts_at <= now < part.session.ends_at
    if not _had_to_be_attended(part):
        tone, story = Tone.BACK, outcome.story
    else:
        tone = Tone.NOW if part.session.has_started(now) else Tone.NEXT
        story = "Running now" if running else ""
    return Step(
        title="Session",
        tone=tone,
        icon="calendar",
        story=story,
        session=part.session,
        changed=part if has_changed(part, now) else None,
    )


def _attendance(part: HoldPart, outcome: Outcome, now: datetime) -> Step:
    known = part.reason or part.review_reason or part.session.ends_at <= now
    return Step(
        title=outcome.story if known else "Attendance",
        tone=outcome.tone if known else Tone.NEXT,
        icon="seat",
    )


def _money(part: HoldPart, outcome: Outcome) -> Step:
    if part.status == HoldPart.Status.PENDING:
        return Step(title="Released or refunded", tone=Tone.NEXT, icon="clock")
    return Step(
        title=outcome.settlement.capitalize(),
        tone=outcome.tone,
        icon=_ICONS[outcome.tone],
        at=part.settled_at,
    )
