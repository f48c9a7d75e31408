"""What student and teacher are told of a session's money once it is over; what waits for staff."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils import timezone

from calendars.mails import session_parts
from common.formats import counted, minutes_of, money
from common.money import ZERO, total
from courses.models import CourseSession
from enrollments.messages.bookings import goes_too, of_ended
from enrollments.messages.words import (
    STAFF,
    Slot,
    in_teaching,
    my_learning,
    names,
    quote,
    what,
    why,
)
from enrollments.models import Booking
from notices.kinds import Button, Group, Kind, Letter, register
from notices.models import Notice
from notices.services.outbox import put
from payments.models import HoldPart
from payments.reasons import Reason
from rooms.attendance import Attended

Status = HoldPart.Status
# Under review all the same, since their progress in the course depends on it.
FREE = "You paid nothing for it; our staff only decide whether it counts as attended"


def _credit(notice: Notice) -> str:
    return reverse("payments:credit")


def _there(notice: Notice) -> str:
    return minutes_of(notice.facts["there"], notice.facts["length"])


def _story(notice: Notice) -> str:
    """What attendance made of it, to the student."""
    if notice.text("outcome") == Reason.ATTENDED:
        return f"You attended {what(notice)}."
    if notice.text("outcome") == Reason.MISSED:
        return f"You missed {what(notice)}: you were there {_there(notice)}."
    return f"Your teacher wasn't at {what(notice)}."


def _settled(notice: Notice) -> str:
    paid = notice.sum("amount")
    return f"{_story(notice)} {money(paid)} was paid to your teacher." if paid else _story(notice)


SETTLED = register(
    Kind(
        name="session_settled",
        to="students",
        told="a session that is over, where nothing came back: whether they attended it",
        text=_settled,
        page=my_learning,
    )
)


def _refunded(notice: Notice) -> str:
    return f"{_story(notice)} {money(notice.sum('amount'))} was refunded."


def _refund(notice: Notice) -> Letter:
    amount = money(notice.sum("amount"))
    return Letter(
        subject=f"Refunded: {amount} for {notice.text('session')}",
        lead=_refunded(notice),
        rows=(
            *names(notice),
            ("Time", str(Slot.among(notice))),
            ("You were there", _there(notice)),
            ("Refunded", amount),
        ),
        button=Button("See your credit", _credit(notice)),
    )


REFUNDED = register(
    Kind(
        name="session_refunded",
        to="students",
        told="a session that is over and was refunded: they missed it, or the teacher did",
        letter=_refund,
        text=_refunded,
        page=_credit,
    )
)


def _review(notice: Notice) -> Letter:
    held = notice.sum("amount")
    waits = "Your payment stays held until they decide" if held else FREE
    return Letter(
        subject=f"Under review: {notice.text('session')}",
        lead=f"We couldn't tell for sure who was at {what(notice)}. Our staff are looking into it. "
        f"{waits}, and then we'll tell you.",
        rows=(
            *names(notice),
            ("Time", str(Slot.among(notice))),
            *((("Held", money(held)),) if held else ()),
        ),
        button=Button("Open My learning", my_learning(notice)),
    )


def _in_review(notice: Notice) -> str:
    held = notice.sum("amount")
    waits = f"{money(held)} stays held until our staff decide" if held else FREE
    return f"{what(notice)} is under review: we couldn't tell for sure who was there. {waits}."


UNDER_REVIEW = register(
    Kind(
        name="session_under_review",
        to="students",
        told="a session that is over and of which nobody knows who was there: staff decide",
        letter=_review,
        text=_in_review,
        page=my_learning,
        must_acknowledge=True,
    )
)


def _review_of_teaching(notice: Notice) -> Letter:
    return Letter(
        subject=f"Under review: {notice.text('session')}",
        lead=f"We couldn't tell for sure who was at {what(notice)}, which you teach. Our staff are "
        "looking into it. Any payment for it stays held until they decide.",
        rows=(*names(notice), ("Time", str(Slot.among(notice)))),
        button=Button("Open the session", in_teaching(notice)),
    )


TEACHING_UNDER_REVIEW = register(
    Kind(
        name="teaching_under_review",
        to="teachers",
        told="a session of theirs of which nobody knows who was there: staff decide",
        letter=_review_of_teaching,
        text=lambda notice: (
            f"{what(notice)} is under review: we couldn't tell for sure who was there. Any payment "
            "for it stays held until our staff decide."
        ),
        page=in_teaching,
    )
)


def _earned(notice: Notice) -> str:
    if notice.facts["absent"]:
        return f"You weren't at {what(notice)} for long enough, so your students were refunded."
    attended = counted(notice.facts["attended"], "student")
    return (
        f"{what(notice)} is settled: {attended} attended. You earned {money(notice.sum('earned'))}."
    )


def _earnings(notice: Notice) -> Letter:
    counts = {"Attended": "attended", "Missed it": "missed", "Under review": "waiting"}
    return Letter(
        subject=f"Settled: {notice.text('session')}, {money(notice.sum('earned'))}",
        lead=_earned(notice),
        rows=(
            *names(notice),
            ("Time", str(Slot.among(notice))),
            *((label, str(n)) for label, name in counts.items() if (n := notice.facts[name])),
            ("You earned", money(notice.sum("earned"))),
        ),
        button=Button("See your earnings", reverse("payments:earnings")),
    )


TEACHING_SETTLED = register(
    Kind(
        name="teaching_settled",
        to="teachers",
        told="a session of theirs that is settled: how many attended, and what they were paid",
        letter=_earnings,
        text=_earned,
        page=lambda notice: reverse("payments:earnings"),
    )
)


def _decided_on(notice: Notice) -> str:
    sessions, course = notice.facts["sessions"], f"“{notice.text('course')}”"
    if len(sessions) == 1:
        return f"“{sessions[0]}” in {course}"
    return f"{counted(len(sessions), 'session')} of {course}"


def _decided(notice: Notice) -> str:
    amount = notice.sum("amount")
    end = f"{money(amount)} was paid to your teacher"
    if notice.facts["back"]:
        end = f"{money(amount)} was refunded"
        end = end if amount else "you had paid nothing, so nothing comes back"
    elif not amount:
        end = "they count" if len(notice.facts["sessions"]) > 1 else "it counts"
        end = f"{end} as attended"
    return f"{STAFF} decided about {_decided_on(notice)}: {end}."


def _decided_for_teacher(notice: Notice) -> str:
    student, amount = notice.text("student"), money(notice.sum("amount"))
    end = f"you are paid {money(notice.sum('share'))} of the {amount} that {student} paid"
    if not notice.sum("amount"):
        end = f"{student} had paid nothing"
    elif notice.facts["back"]:
        end = f"{amount} went back to {student}"
    return f"{STAFF} decided about {_decided_on(notice)}: {end}."


def _decision(notice: Notice) -> Letter:
    """To the student, and to the teacher."""
    to_teacher, amount = notice.kind == TEACHING_DECIDED.name, notice.sum("amount")
    moved = "Refunded" if notice.facts["back"] else "Paid out"
    return Letter(
        subject=f"Decided: {_decided_on(notice)}",
        lead=_decided_for_teacher(notice) if to_teacher else _decided(notice),
        rows=(
            ("Course", notice.text("course")),
            *(("Session", session) for session in notice.facts["sessions"]),
            *(((moved, money(amount)),) if amount else ()),
        ),
        quote=quote(notice),
        button=Button("See your earnings", reverse("payments:earnings"))
        if to_teacher
        else Button("Open My learning", my_learning(notice)),
        calendar=session_parts(notice.reader, notice.session_id) or goes_too(notice),
    )


DECIDED = register(
    Kind(
        name="session_decided",
        to="students",
        told="what staff decided about a payment of theirs, and why",
        letter=_decision,
        text=lambda notice: f"{_decided(notice)}{why(notice)}",
        page=my_learning,
    )
)
TEACHING_DECIDED = register(
    Kind(
        name="teaching_decided",
        to="teachers",
        told="what staff decided about a payment for a session of theirs, and why",
        letter=_decision,
        text=lambda notice: f"{_decided_for_teacher(notice)}{why(notice)}",
        page=lambda notice: reverse("payments:earnings"),
    )
)


def _waiting(notice: Notice) -> Letter:
    rows = notice.facts["waiting"]
    return Letter(
        subject=f"Waiting for staff: {sum(count for _, count in rows)}",
        lead="Somebody on the staff has to look at this.",
        rows=tuple((label, str(count)) for label, count in rows),
        button=Button("Open the administration", reverse("admin:index")),
    )


WAITING = register(
    Kind(
        name="staff_digest",
        to="staff",
        told="what waits for somebody to look at it, once a day, if anything does",
        letter=_waiting,
        group=Group.DIGESTS,
    )
)


def tell_settled(booking: Booking, parts: Sequence[HoldPart], attended: Attended) -> None:
    """Tell student and teacher how attendance settled these parts, or that staff have to.

    Of a session each is told once, however many parts pay for it; the teacher of what is settled
    only when the session is completed. The parts are of the booking's hold, and come with it and
    with when their sessions are.
    """
    told: list[Notice] = []
    for part in parts:
        told += _of(booking, part, attended)
    put(told)


def tell_completed(session: CourseSession) -> None:
    """Tell the teacher how a session was settled, unless nobody was expected there.

    A repeat tells nothing. What staff have yet to decide on is counted.
    """
    found = HoldPart.objects.filter(session=session).aggregate(
        attended=Count("pk", filter=Q(reason=Reason.ATTENDED)),
        missed=Count("pk", filter=Q(reason=Reason.MISSED)),
        absent=Count("pk", filter=Q(reason=Reason.TEACHER_ABSENT)),
        waiting=Count("pk", filter=Q(status=Status.PENDING)),
        earned=Sum("teacher_amount", filter=Q(reason__in=Reason.BY_ATTENDANCE), default=ZERO),
    )
    if not (found["attended"] or found["missed"] or found["absent"]):
        return
    course = session.course
    facts = found | {"course": course.title, "session": str(session), "slot": Slot.of(session)}
    told = TEACHING_SETTLED.tell(
        course.teacher_id,
        about=session.pk,
        facts=facts,
        course_id=course.pk,
        session_id=session.pk,
    )
    put([told])


def tell_decided(
    booking: Booking, parts: Sequence[HoldPart], *, reason: str, ended: bool = False
) -> None:
    """Tell student and teacher of one decision of staff on parts of a booking, and the `reason`.

    The student also that it `ended` an enrolment.
    """
    hold = booking.hold
    facts = {
        "enrollment": hold.enrollment_id,
        "course": hold.sold_title,
        "sessions": [part.sold_title for part in parts],
        "student": hold.student.display_name,
        "amount": total(part.amount for part in parts),
        "share": total(part.teacher_amount for part in parts),
        "back": parts[0].status == Status.REFUNDED,
        "by": STAFF,
        "reason": reason,
    }
    told = [
        kind.tell(
            reader,
            # A part is settled once, so it names the decision.
            about=parts[0].pk,
            facts=facts,
            course_id=booking.course_id,
            session_id=parts[0].session_id if len(parts) == 1 else None,
        )
        for kind, reader in ((DECIDED, hold.student_id), (TEACHING_DECIDED, hold.teacher_id))
    ]
    put([*told, of_ended(booking)] if ended else told)


def tell_waiting(told: Mapping[UUID, Sequence[tuple[str, int]]], *, day: date) -> None:
    """Tell clerks what waits for them, by their keys: labels and counts. Of a day once."""
    until = timezone.now() + timedelta(days=1)
    put(
        WAITING.tell(clerk, about=day, facts={"waiting": waiting}, until=until)
        for clerk, waiting in told.items()
    )


def _of(booking: Booking, part: HoldPart, attended: Attended) -> Iterator[Notice]:
    """What is told of one part, as it stands now."""
    hold, key = part.hold, part.session_id
    there = attended.of(key, hold.student_id, part.sold_duration_minutes)
    told: dict[str, Any] = {
        "about": key,
        "course_id": booking.course_id,
        "session_id": key,
        "facts": {
            "course": hold.sold_title,
            "session": part.sold_title,
            "slot": Slot.of(part.session),
            "amount": part.amount,
            "outcome": part.reason,
            "there": there.minutes,
            "length": part.sold_duration_minutes,
        },
    }
    if part.status == Status.PENDING:
        yield TEACHING_UNDER_REVIEW.tell(hold.teacher_id, **told)
        yield UNDER_REVIEW.tell(hold.student_id, **told)
    elif part.status == Status.REFUNDED and part.amount:
        yield REFUNDED.tell(hold.student_id, **told)
    else:
        yield SETTLED.tell(hold.student_id, **told)
