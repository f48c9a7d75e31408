"""What happens to the money of a session once somebody has left its room, and when."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from accounts.models import User
from common.formats import minutes_of, moment, money
from courses.models import CourseSession
from payments.models import HoldPart
from payments.outcomes import Outcome, outcome_of
from rooms.attendance import Presence, attendance_in


@dataclass(frozen=True)
class Aftermath:
    """What is told after a session: how long one was there, and `lines` about the money.

    `settled` is what happened to a student's money, once it has been settled.
    """

    there: str
    lines: list[str]
    settled: Outcome | None = None


def aftermath_of(session: CourseSession, user: User, *, now: datetime) -> Aftermath:
    """For a user with access to a session, its student or its teacher; the course is at hand."""
    attended = attendance_in([session], [user.pk])
    part = _part_of(session, user)
    minutes = part.sold_duration_minutes if part else session.duration_minutes
    presence = attended.of(session.pk, user.pk, minutes)
    there = f"You were here for {minutes_of(presence.minutes, minutes)}."
    if part is None:
        return Aftermath(there, [_for_teacher(session)])
    if part.status != HoldPart.Status.PENDING:
        return Aftermath(there, [], outcome_of(part, now=now, there=presence.time))
    return Aftermath(there, _for_student(part, presence))


def _part_of(session: CourseSession, user: User) -> HoldPart | None:
    parts = HoldPart.objects.filter(session=session, hold__student=user)
    paid = parts.exclude(reason=HoldPart.Reason.FOLDED).select_related("session", "hold")
    return paid.order_by("hold__held_at", "pk").last()


def _for_teacher(session: CourseSession) -> str:
    return (
        f"Your share for the students who attended is paid into your earnings after "
        f"{moment(session.settles_at)}. Students who missed the session are told what happens to "
        "their payment."
    )


def _for_student(part: HoldPart, presence: Presence) -> list[str]:
    if not part.amount:
        return ["You paid nothing for this session, so no money moves."]
    amount, when = money(part.amount), moment(part.session.settles_at)
    if part.review_reason or presence.barred:
        return [f"Our staff will check this session and decide about your {amount}."]
    if presence.suffices:
        return [
            f"You attended this session, so {amount} will be paid to the teacher after {when}.",
            "If the teacher was absent, you get it back.",
        ]
    threshold = settings.ATTENDANCE_THRESHOLD_PERCENT
    fate = "you get it back" if settings.NO_SHOW == "refund" else "it is paid to the teacher"
    return [
        f"Your {amount} is held until {when}.",
        f"If you attend at least {threshold}% of the session, it is paid to the teacher; "
        f"otherwise {fate}.",
    ]
