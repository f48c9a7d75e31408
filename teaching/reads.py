"""What teachers see of their courses: how much was sold, what is next, and who comes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, Max, Min, Q, QuerySet, Sum, Value, When
from django.utils import timezone

from accounts.models import User
from common.formats import minutes_of, money
from common.money import ZERO
from courses.models import Course, CourseSession, ending, in_time
from enrollments.models import CourseEnrollment, PaymentStatus, PurchaseStatus, SessionPurchase
from enrollments.quotes import CourseQuote, quote_course
from enrollments.rows import SessionOnSale
from enrollments.services.sessions import refuse_deleting
from payments.earnings import forecast_of_courses
from payments.models import HoldPart
from payments.outcomes import Outcome, outcome_of, story_for_teacher
from payments.queries import NOT_LEFT
from rooms.attendance import MINUTE, Presence, attendance_of
from rooms.doors import Orders
from rooms.register import Entry, register_of

# How many sessions are on top of a teacher's page.
NEXT = 3
_KEPT = ~Q(status=HoldPart.Status.REFUNDED)
_PENDING = Q(status=HoldPart.Status.PENDING)
_AS_SOLD = Q(
    sold_starts_at=F("session__starts_at"), sold_duration_minutes=F("session__duration_minutes")
)


@dataclass(frozen=True)
class Sales:
    """Students who have a part that was not refunded, and what they paid for it: `gross`.

    `held` is what the teacher gets of it once what is not settled is released: net. Both in
    credits. `changed` counts pending parts that were sold with another
    start or length, `ever` all parts there ever were.
    """

    students: int = 0
    gross: Decimal = ZERO
    changed: int = 0
    ever: int = 0
    held: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class TaughtCourse:
    """A course as its teacher sees it, when its next session starts, and how many are `to_come`.

    `running` counts the sessions that run now.
    """

    course: Course
    sales: Sales
    sessions_count: int = 0
    next_start: datetime | None = None
    to_come: int = 0
    running: int = 0


@dataclass(frozen=True, slots=True)
class TaughtSession:
    """A session as its teacher sees it. Its room is `open`, or is not yet, or no more."""

    session: CourseSession
    sales: Sales
    state: str
    can_be_deleted: bool
    open: bool


@dataclass(frozen=True)
class Attendee:
    """A student's part of a session: how long they were there, if known, and its `money`.

    The `register` says when they came and went, and why.
    """

    part: HoldPart
    presence: Presence | None
    money: Outcome
    register: Sequence[Entry] = ()

    @property
    def story(self) -> str:
        return story_for_teacher(self.part)


def courses_of(teacher: User) -> QuerySet[Course]:
    """All courses of a teacher, newest first."""
    return Course.objects.filter(teacher=teacher).order_by("-created_at", "-id")


def summarise(courses: Sequence[Course]) -> list[TaughtCourse]:
    """These courses, all of one teacher, with what was sold and what is next; three statements."""
    keys = [course.pk for course in courses]
    held = forecast_of_courses(courses[0].teacher_id, keys).by_course if courses else {}
    sales = _sales(HoldPart.objects.filter(session__course__in=keys), "session__course", held)
    sessions = CourseSession.objects.filter(course__in=keys).order_by().values_list("course")
    now = timezone.now()
    to_come = Q(starts_at__gt=now) & ~Q(status=CourseSession.Status.CANCELLED)
    running = Q(starts_at__lte=now, ends__gt=now, status__in=CourseSession.OPEN)
    counted = sessions.alias(ends=ending()).annotate(
        n=Count("pk"),
        next=Min("starts_at", filter=to_come),
        to_come=Count("pk", filter=to_come),
        running=Count("pk", filter=running),
    )
    found = {key: rest for key, *rest in counted}
    return [
        TaughtCourse(course, sales.get(course.pk, Sales()), *found.get(course.pk, ()))
        for course in courses
    ]


def sessions_of(course: Course) -> list[TaughtSession]:
    """The sessions by time; three statements."""
    held = forecast_of_courses(course.teacher_id, [course.pk]).by_session
    sales = _sales(HoldPart.objects.filter(session__course=course), "session", held)
    now = timezone.now()
    return [
        _taught(session, sales.get(session.pk, Sales()), now)
        for session in in_time(course.sessions.all())
    ]


def _taught(session: CourseSession, sales: Sales, now: datetime) -> TaughtSession:
    state, can_go = state_of(session, now), can_be_deleted(session, sales, now)
    is_open = session.lasts(now) and session.opens_at <= now
    return TaughtSession(session, sales, state, can_go, is_open)


def now_and_next(teacher: User, now: datetime) -> list[TaughtSession]:
    """The sessions of a teacher that run now, and those that come next; two statements.

    What is held for them is not counted.
    """
    taught = CourseSession.objects.not_over(now).filter(course__teacher=teacher)
    coming = taught.exclude(course__status=Course.Status.DRAFT).select_related("course")
    sessions = list(coming.order_by("starts_at", "pk")[:NEXT])
    sales = _sales(HoldPart.objects.filter(session__in=sessions), "session", {})
    return [_taught(session, sales.get(session.pk, Sales()), now) for session in sessions]


def enrolled_for_free(course: Course) -> int:
    """How many students would get a session that is added at no extra charge."""
    paid = CourseEnrollment.objects.live().exclude(payment_status=PaymentStatus.REFUNDED)
    return paid.filter(course=course).count()


def quote_of(course: Course, sessions: Iterable[CourseSession]) -> CourseQuote[CourseSession]:
    """What a course with these sessions costs somebody who has nothing of it."""
    by_number = sorted(sessions, key=lambda session: session.session_number)
    return quote_course(course, [SessionOnSale(one) for one in by_number], None, timezone.now())


def what_is_dearer(quote: CourseQuote[CourseSession]) -> str:
    """What pages don't offer of a course, since its students get the same for less, and why."""
    whole, each = money(quote.price), money(quote.course.price_per_session)
    if quote.is_dearer_whole:
        return (
            f"Students are offered only single sessions: all those to come cost "
            f"{money(quote.one_by_one)} together, less than the full course at {whole}."
        )
    if quote.is_dearer_singly:
        return (
            f"Students are offered only the full course: at {whole}, it costs no more than a "
            f"single session at {each}."
        )
    return ""


def what_is_dearer_in(course: Course) -> str:
    """The same of a course with its sessions; one statement."""
    return what_is_dearer(quote_of(course, course.sessions.all()))


def students_in(sessions: Sequence[CourseSession]) -> int:
    """How many students have any of these sessions, even at no charge."""
    pending = HoldPart.objects.filter(_PENDING, session__in=sessions)
    return pending.values("hold__student").distinct().count()


def next_number(course: Course) -> int:
    """The number that a session added now would get."""
    return (course.sessions.aggregate(last=Max("session_number"))["last"] or 0) + 1


def sales_of(session: CourseSession) -> Sales:
    """The sales of one session, which comes with its course; two statements."""
    held = forecast_of_courses(session.course.teacher_id, [session.course_id]).by_session
    sales = _sales(HoldPart.objects.filter(session=session), "session", held)
    return sales.get(session.pk, Sales())


def state_of(session: CourseSession, now: datetime) -> str:
    """`cancelled`, `ended`, `running` or `to_come`: what the clock says, whatever the job did."""
    if session.status == CourseSession.Status.CANCELLED:
        return "cancelled"
    if session.status == CourseSession.Status.COMPLETED or session.ends_at <= now:
        return "ended"
    return "running" if session.has_started(now) else "to_come"


def can_be_deleted(session: CourseSession, sales: Sales, now: datetime) -> bool:
    """Whether a session may go altogether: nobody has or had it, and it has not begun."""
    return refuse_deleting(session, sold=bool(sales.ever), now=now) is None


def students_of(taught: Course | CourseSession) -> QuerySet[Any, UUID]:
    """The keys of those to whom the teacher of a course, or of one session of it, can write.

    Of a course: those who are enrolled, or kept a single purchase. Of a session: those who have
    access to it, or had it when it was called off.
    """
    if isinstance(taught, CourseSession):
        theirs = HoldPart.objects.filter(NOT_LEFT, session=taught)
        return theirs.values_list("hold__student", flat=True).order_by().distinct()
    enrolled = CourseEnrollment.objects.live().filter(course=taught)
    kept = SessionPurchase.objects.filter(course=taught, payment_status=PaymentStatus.PAID)
    singles = kept.exclude(status=PurchaseStatus.CANCELLED)
    return enrolled.values_list("user", flat=True).union(singles.values_list("user", flat=True))


def roster(session: CourseSession) -> QuerySet[HoldPart]:
    """The parts of a session by the names of their students; those folded into a course left out.

    Who is still in comes before who is not.
    """
    parts = HoldPart.objects.filter(session=session).exclude(reason=HoldPart.Reason.FOLDED)
    out = Case(When(_KEPT, then=Value(0)), default=Value(1))
    return parts.select_related("session", "hold__student", "hold__session_purchase").order_by(
        out, "hold__student__display_name", "pk"
    )


def attendees(
    session: CourseSession, parts: Sequence[HoldPart], now: datetime
) -> tuple[list[Attendee], Presence | None]:
    """Who these parts of the `roster` are for, and how long the teacher was there, if known."""
    found = attendance_of(session)
    register = register_of(session, [part.hold.student_id for part in parts])
    rows = [
        Attendee(
            part,
            found.get(part.hold.student_id),
            outcome_of(part, now=now),
            register.get(part.hold.student_id, ()),
        )
        for part in parts
    ]
    return rows, found.get(session.course.teacher_id)


def ended_early(session: CourseSession) -> str:
    """How much of a session was held if its teacher ended it early, `18 of 60 min`; else empty."""
    ended_at = Orders.of(session).ended_at
    if ended_at is None:
        return ""
    held = max((ended_at - session.starts_at) // MINUTE, 0)
    return minutes_of(held, session.duration_minutes)


def _sales(parts: QuerySet[HoldPart], by: str, held: Mapping[UUID, Decimal]) -> dict[UUID, Sales]:
    """Sales by course or session, by which is known what is held, too."""
    rows = (
        parts.order_by()
        .values_list(by)
        .annotate(
            students=Count("hold__student", filter=_KEPT, distinct=True),
            gross=Sum("amount", filter=_KEPT, default=ZERO),
            changed=Count("pk", filter=_PENDING & ~_AS_SOLD),
            ever=Count("pk"),
        )
    )
    return {key: replace(Sales(*rest), held=held.get(key, ZERO)) for key, *rest in rows}
