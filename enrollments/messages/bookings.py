"""What the student and the teacher of a booking are told: made, cancelled, partly returned."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.urls import reverse

from accounts.models import User
from calendars.mails import Parts, course_parts, left_parts, session_parts
from common.formats import moment, money, until
from courses.models import CourseSession
from enrollments.messages.words import Rows, in_teaching, my_learning, names, what
from enrollments.models import Booking, CourseEnrollment, SessionPurchase
from enrollments.rules import CANCEL_IN_TIME, CANCEL_ONE_IN_TIME
from notices.kinds import Button, Kind, Letter, register
from notices.models import Notice
from notices.services.outbox import put
from payments.commission import shares_of
from payments.models import HoldPart, PaymentHold

HELD = f"We hold your payment until each session has happened. {CANCEL_IN_TIME}"
HELD_FOR_ONE = f"We hold your payment until the session has happened. {CANCEL_ONE_IN_TIME}"

SUBSCRIBE = (
    "\n\nSubscribe to your calendar, and its sessions appear there and follow every change. "
    "The file in this email has them as they are now."
)


def _times(notice: Notice) -> Rows:
    """When it is: the one session, or the first and the last of several."""
    first, last = ((datetime.fromisoformat(start), n) for start, n in notice.facts["times"])
    if notice.facts["count"] == 1:
        return (("Time", until(*first)),)
    return (
        ("Sessions", str(notice.facts["count"])),
        ("First session", until(*first)),
        ("Last session", until(*last)),
    )


def _booked(notice: Notice) -> Letter:
    folded, single = notice.sum("folded"), notice.text("session")
    back = (("Refunded for your single sessions", money(folded)),) if folded else ()
    calendar, button = _for_calendar(notice), Button("Open My learning", my_learning(notice))
    lead = f"You booked {what(notice)}. {HELD_FOR_ONE if single else HELD}"
    if any(part.file_name for part in calendar):
        lead, button = f"{lead}{SUBSCRIBE}", Button("Subscribe", reverse("calendars:calendar"))
    return Letter(
        subject=f"You're in: {notice.text('course')}",
        lead=lead,
        rows=(
            *names(notice),
            ("Teacher", notice.text("teacher")),
            *_times(notice),
            ("Paid", money(notice.sum("paid"))),
            *back,
            ("Held until about", moment(notice.time("settles_at"))),
        ),
        button=button,
        calendar=calendar,
    )


def _for_calendar(notice: Notice) -> Parts:
    """The one session, or a file of the course."""
    if enrollment := notice.key("enrollment"):
        return course_parts(notice.reader, enrollment)
    return session_parts(notice.reader, notice.session_id)


BOOKED = register(
    Kind(
        name="booking_made",
        to="students",
        told="a course or session that they bought, what is held for it, and until when",
        letter=_booked,
        text=lambda notice: (
            f"You booked {what(notice)}. We hold {money(notice.sum('paid'))} until about "
            f"{moment(notice.time('settles_at'))}."
        ),
        page=my_learning,
    )
)


def _sold(notice: Notice) -> Letter:
    student = notice.text("student")
    return Letter(
        subject=f"Sold: {notice.text('session') or notice.text('course')}",
        lead=f"{student} booked {what(notice)}. We hold the payment until each session has "
        "happened, and pay you for those that the student attends.",
        rows=(
            *names(notice),
            ("Student", student),
            *_times(notice),
            ("Price", money(notice.sum("paid"))),
            ("Your share of it", money(notice.sum("share"))),
        ),
        button=Button("See your students", in_teaching(notice)),
        calendar=session_parts(notice.reader, notice.session_id),
    )


SOLD = register(
    Kind(
        name="sale_made",
        to="teachers",
        told="a course or session of theirs that a student bought",
        letter=_sold,
        text=lambda notice: (
            f"{notice.text('student')} booked {what(notice)} for {money(notice.sum('paid'))}."
        ),
        page=in_teaching,
    )
)


def _gone(notice: Notice) -> str:
    """What happened to it: `returned` or `cancelled`."""
    return "returned" if notice.facts.get("returned") else "cancelled"


def _back(notice: Notice) -> str:
    refund = notice.sum("refund")
    return f"{money(refund)} was refunded." if refund else "There was nothing to refund."


def _cancelled(notice: Notice) -> Letter:
    waits = notice.facts.get("waiting")
    running = "\n\nA session that has started is settled by attendance." if waits else ""
    return Letter(
        subject=f"{_gone(notice).capitalize()}: {notice.text('session') or notice.text('course')}",
        lead=f"You {_gone(notice)} {what(notice)}. {_back(notice)}{running}",
        rows=(*names(notice), ("Refunded", money(notice.sum("refund")))),
        button=Button("See your credit", reverse("payments:credit")),
        calendar=session_parts(notice.reader, notice.session_id) or goes_too(notice),
    )


def goes_too(notice: Notice) -> Parts:
    """What goes from the calendar with an enrolment, or with several sessions of one."""
    return left_parts(notice.reader, notice.key("enrollment"))


CANCELLED = register(
    Kind(
        name="booking_cancelled",
        to="students",
        told="a booking that they cancelled, or a session that they returned, and the refund",
        letter=_cancelled,
        text=lambda notice: f"You {_gone(notice)} {what(notice)}. {_back(notice)}",
        page=lambda notice: reverse("payments:credit"),
    )
)


def _sale_cancelled(notice: Notice) -> Letter:
    student = notice.text("student")
    return Letter(
        subject=f"A student {_gone(notice)}: {notice.text('session') or notice.text('course')}",
        lead=f"{student} {_gone(notice)} {what(notice)}. Their money for what had not started "
        "went back to them.",
        rows=(*names(notice), ("Student", student), ("Refunded", money(notice.sum("refund")))),
        button=Button("See your students", in_teaching(notice)),
        calendar=session_parts(notice.reader, notice.session_id),
    )


SALE_CANCELLED = register(
    Kind(
        name="sale_cancelled",
        to="teachers",
        told="a booking that a student cancelled, or a session that one returned",
        letter=_sale_cancelled,
        text=lambda notice: (
            f"{notice.text('student')} {_gone(notice)} {what(notice)}. "
            f"{money(notice.sum('refund'))} went back to them."
        ),
        page=in_teaching,
    )
)


def _ended(notice: Notice) -> str:
    return (
        f"Your enrolment in “{notice.text('course')}” has ended, because everything that you paid "
        f"for it was refunded: {money(notice.sum('refund'))}."
    )


ENDED = register(
    Kind(
        name="enrollment_ended",
        to="students",
        told="an enrolment that ended because everything that they paid for it was refunded",
        letter=lambda notice: Letter(
            subject=f"Your enrolment has ended: {notice.text('course')}",
            lead=_ended(notice),
            rows=(*names(notice), ("Refunded", money(notice.sum("refund")))),
            button=Button("See your credit", reverse("payments:credit")),
            calendar=goes_too(notice),
        ),
        text=_ended,
        page=lambda notice: reverse("payments:credit"),
    )
)


# What is told about a booking that is over, or about a part of one.
GONE = (CANCELLED, SALE_CANCELLED)


def tell_booked(booking: Booking, sessions: Sequence[CourseSession]) -> None:
    """Tell student and teacher that these `sessions` were bought: a course, or one of them.

    The booking comes with student, hold, course and teacher.
    """
    hold, in_time = booking.hold, sorted(sessions, key=lambda session: session.starts_at)
    facts = {
        "paid": hold.amount,
        "folded": booking.folded_amount,
        "share": _share_of_teacher(hold),
        "count": len(sessions),
        "times": [[s.starts_at, s.duration_minutes] for s in (in_time[0], in_time[-1])],
        "settles_at": max(session.settles_at for session in sessions),
    }
    _tell((BOOKED, SOLD), booking, booking.user, facts)


def _share_of_teacher(hold: PaymentHold) -> Decimal:
    """The teacher's share if everything is attended, which is more for a student they referred."""
    referral_bp = hold.referral_bp if hold.referrer_id else 0
    shares = shares_of(hold.amount, commission_bp=hold.commission_bp, referral_bp=referral_bp)
    brought = hold.referrer_id == hold.teacher_id
    return shares.teacher + shares.referrer if brought else shares.teacher


def tell_cancelled(booking: Booking, *, student: User, refund: Decimal, waiting: int = 0) -> None:
    """Tell student and teacher that a booking was cancelled, and what was refunded, in credits.

    This many of its sessions have started and are `waiting` to be settled by attendance.
    """
    _tell(GONE, booking, student, {"refund": refund, "waiting": waiting})


def tell_returned(booking: Booking, part: HoldPart, *, student: User, ended: bool) -> None:
    """Tell student and teacher that the session of this part of an enrolment was returned.

    The student also that this `ended` it.
    """
    also = [of_ended(booking)] if ended else []
    _tell(GONE, booking, student, {"refund": part.amount, "returned": True}, part, also)


def tell_ended(enrollment: Booking) -> None:
    """Tell a student that an enrolment ended because it was refunded completely."""
    put([of_ended(enrollment)])


def of_ended(enrollment: Booking) -> Notice:
    """The same, to be put with what else is told; the enrolment comes with its hold."""
    facts = {
        "enrollment": enrollment.pk,
        "course": enrollment.hold.sold_title,
        "refund": enrollment.refund_amount,
    }
    course = enrollment.course_id
    return ENDED.tell(enrollment.user_id, about=enrollment.pk, facts=facts, course_id=course)


def _tell(
    kinds: tuple[Kind, Kind],
    booking: Booking,
    student: User,
    facts: dict[str, object],
    part: HoldPart | None = None,
    also: Sequence[Notice] = (),
) -> None:
    """The first of these kinds is for the student, the second for the teacher.

    About the booking, or about one `part` of an enrolment; what is told `also` goes with them.
    """
    course, session_id, session = booking.course, None, ""
    if part:
        session_id, session = part.session_id, part.sold_title
    elif isinstance(booking, SessionPurchase):
        session_id, session = booking.session_id, str(booking.session)
    names = {
        "enrollment": booking.pk if isinstance(booking, CourseEnrollment) else None,
        "course": course.title,
        "session": session,
        "student": student.display_name,
        "teacher": course.teacher.display_name,
    }
    told = [
        kind.tell(
            reader,
            about=(part or booking).pk,
            facts=names | facts,
            course_id=course.pk,
            session_id=session_id,
        )
        for kind, reader in zip(kinds, (student.pk, course.teacher_id), strict=True)
    ]
    put([*told, *also])
