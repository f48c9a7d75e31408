"""Sessions as sold and shown to a user, and bookings, as SQL that is written once."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TypeVar
from uuid import UUID

from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import JSONObject

from accounts.models import User
from common.prepared import Change, as_found, prepared, prepared_as, prepared_update
from courses.models import Course, CourseSession, CourseSessionQuerySet, ending
from enrollments.models import (
    Booking,
    CourseEnrollment,
    EnrollmentStatus,
    PurchaseStatus,
    SessionPurchase,
)
from enrollments.rows import PartOfMine, SessionOnSale, SessionShown, SessionToEnter
from payments.models import HoldPart, HoldStatus, PaymentHold
from payments.queries import STILL_BOUGHT, wallet_of
from payments.reasons import Reason
from rooms.models import RoomDeed

B = TypeVar("B", bound=Booking)
# So many of a student are on the shelves: more than anybody has, and no page reads more.
MOST_BOOKINGS = 1_000


def sessions_as_sold_to(user: User | UUID | None) -> CourseSessionQuerySet:
    """Sessions with what `SessionOnSale` says about them, for this user or a guest.

    Except `included`, on which no price depends.
    """
    limited = When(course__max_students__isnull=False, then=singles_seated())
    sessions = CourseSession.objects.select_related("course__teacher")
    to_nobody = sessions.annotate(taken=Case(limited, default=Value(0)))
    if user is None:
        return to_nobody
    mine = SessionPurchase.objects.live().filter(session=OuterRef("pk"), user=user)
    enrolled = CourseEnrollment.objects.live().filter(course=OuterRef("course"), user=user)
    return to_nobody.annotate(mine=Exists(mine), enrolled=Exists(enrolled))


def sessions_for_purchase(user: User | UUID) -> CourseSessionQuerySet:
    """The same, with `included`."""
    parts = HoldPart.objects.filter(
        session=OuterRef("pk"),
        hold__enrollment__user=user,
        hold__enrollment__course=OuterRef("course"),
        hold__enrollment__live=1,
    )
    paying = parts.exclude(status=HoldPart.Status.REFUNDED)
    return sessions_as_sold_to(user).annotate(included=Exists(paying))


def singles_seated() -> Subquery:
    """The seats of the outer session taken by singles, in addition to the live enrolments.

    Only for people without a live enrolment in the course: nobody takes two seats.
    """
    # By the session's course, not the purchase's, so that no optimizer starts by listing who is
    # enrolled.
    enrolled = CourseEnrollment.objects.live().filter(
        course=OuterRef(OuterRef("course")), user=OuterRef("user")
    )
    sold = SessionPurchase.objects.live().filter(~Exists(enrolled), session=OuterRef("pk"))
    # Not `Count`, which groups by means of a temporary table.
    return Subquery(sold.order_by().values(n=Func("pk", function="COUNT")), IntegerField())


@prepared_as(SessionOnSale)
def sessions_on_offer(course: UUID) -> QuerySet[CourseSession]:
    """All sessions of a course in order, before it is known whether any was sold singly."""
    sessions = CourseSession.objects.select_related("course__teacher")
    return sessions.filter(course=course).order_by("session_number")


@prepared_as(SessionOnSale)
def sessions_to_quote(course: UUID, user: UUID) -> QuerySet[CourseSession]:
    """The same with what the user has of them."""
    return sessions_as_sold_to(user).filter(course=course).order_by("session_number")


@prepared_as(SessionOnSale)
def session_for_purchase(session: UUID, user: UUID) -> QuerySet[CourseSession]:
    """One session, with what the user has of it, and the key of their wallet."""
    found: CourseSessionQuerySet = sessions_for_purchase(user).annotate(wallet_id=wallet_of(user))
    return found.filter(pk=session)


@prepared
def seats_taken(course: UUID, buyer: UUID) -> QuerySet[Course, tuple[int, bool, UUID]]:
    """How many are enrolled in a course, whether any session is sold singly; the buyer's wallet."""
    singles = SessionPurchase.objects.live().filter(session__course=OuterRef("pk"))
    return Course.objects.filter(pk=course).values_list(
        "current_students", Exists(singles), wallet_of(buyer)
    )


@prepared_as(SessionShown)
def sessions_seen(course: UUID) -> QuerySet[CourseSession]:
    """All sessions of a course in order, as guests see them."""
    return sessions_as_sold_to(None).filter(course=course).order_by("session_number")


@prepared_as(SessionShown)
def sessions_shown(course: UUID, user: UUID) -> QuerySet[CourseSession]:
    """The same, as the user sees them."""
    sessions = with_access_of(sessions_for_purchase(user), user)
    return sessions.filter(course=course).order_by("session_number")


@prepared_as(PartOfMine.of)
def parts_of(course: UUID, user: UUID) -> QuerySet[HoldPart]:
    """What the user paid for the sessions of a course, latest last; and what they hold elsewhere.

    In the order of an index, which leads to the user's holds.
    """
    # By the user's holds, not by the sessions: a crowded course has thousands of parts. Whether a
    # hold counts is known before its parts are read: most holds of a student are settled.
    mine = {"user": user, "course": course}
    of_course = Q(hold__enrollment__in=CourseEnrollment.objects.filter(**mine).values("pk"))
    of_course |= Q(hold__session_purchase__in=SessionPurchase.objects.filter(**mine).values("pk"))
    held = Q(hold__status=HoldStatus.HELD, status=HoldPart.Status.PENDING)
    # No session is joined, by which a database might begin; nor is each looked up more than once.
    session = CourseSession.objects.filter(pk=OuterRef("session"), on_offer=1).order_by()
    when = Subquery(
        session.values_list(JSONObject(starts_at="starts_at", minutes="duration_minutes"))
    )
    return (
        HoldPart.objects.filter(held | of_course, hold__student=user)
        .select_related("hold__enrollment")
        .annotate(when=when)
        .order_by("hold__held_at", "hold__id")
    )


def with_access_of(sessions: CourseSessionQuerySet, user: User | UUID) -> CourseSessionQuerySet:
    """Sessions with what `SessionToEnter` says about them, for this user."""
    parts = HoldPart.objects.filter(session=OuterRef("pk"))
    # Found by what the user has of this course: a crowded session has thousands of parts.
    enrolled = parts.filter(
        hold__enrollment__user=user, hold__enrollment__course=OuterRef("course")
    )
    single = parts.filter(
        hold__session_purchase__user=user, hold__session_purchase__session=OuterRef("pk")
    )
    return sessions.annotate(
        by_enrollment=_still_bought(enrolled), by_purchase=_still_bought(single)
    )


def _still_bought(parts: QuerySet[HoldPart]) -> Subquery:
    """Whether any of these parts still gives access; NULL without parts."""
    still = Case(When(STILL_BOUGHT, then=Value(1)), default=Value(0))
    # Not `Max`, which groups by means of a temporary table.
    return Subquery(parts.order_by().values(n=Func(still, function="MAX")), BooleanField())


@prepared_as(SessionToEnter)
def session_to_enter(session: UUID, user: UUID) -> QuerySet[CourseSession]:
    """One session, with what the user has bought of it, and may do in its room."""
    sessions = CourseSession.objects.select_related("course__teacher")
    deeds = RoomDeed.objects.standing().filter(session=OuterRef("pk"))
    ordered = sessions.annotate(
        removed=Exists(deeds.filter(kind=RoomDeed.Kind.REMOVED, user=user)),
        may_share=Exists(deeds.filter(kind=RoomDeed.Kind.SHARING, user=user)),
        ended_early=Exists(deeds.filter(kind=RoomDeed.Kind.ENDED)),
    )
    return with_access_of(ordered, user).filter(pk=session)


@prepared
def courses_joined(user: UUID, courses: list[UUID]) -> QuerySet[CourseEnrollment, tuple[UUID]]:
    """Those of these courses that the user is enrolled in."""
    live = CourseEnrollment.objects.live().filter(user=user, course__in=courses)
    return live.values_list("course_id")


@prepared
def students_with(session: UUID) -> QuerySet[HoldPart, tuple[UUID, str]]:
    """The key and name of each student who has access to a session that takes place."""
    bought = HoldPart.objects.filter(
        STILL_BOUGHT, session=session, hold__student__is_active=True
    ).exclude(session__status=CourseSession.Status.CANCELLED)
    return bought.values_list("hold__student", "hold__student__display_name").distinct()


@prepared
def admitted(session: UUID, users: list[UUID]) -> QuerySet[User, tuple[UUID]]:
    """Which of these users have access to a session, and were not removed from its room."""
    takes_place = CourseSession.objects.exclude(status=CourseSession.Status.CANCELLED)
    teacher = takes_place.filter(pk=session, course__teacher=OuterRef("pk"))
    bought = HoldPart.objects.filter(
        STILL_BOUGHT, session__pk=session, hold__student=OuterRef("pk")
    ).exclude(session__status=CourseSession.Status.CANCELLED)
    removed = RoomDeed.objects.standing().filter(
        kind=RoomDeed.Kind.REMOVED, session=session, user=OuterRef("pk")
    )
    allowed = User.objects.filter(
        Exists(teacher) | Exists(bought), ~Exists(removed), pk__in=users, is_active=True
    )
    return allowed.values_list("pk")


@prepared_update
def add_student(course: UUID, seen: int) -> Change:
    """Take a seat of a course, if one is free and its terms are the version that was seen."""
    free = Q(max_students=None) | Q(current_students__lt=F("max_students"))
    as_seen = Course.objects.filter(free, pk=course, terms_version=seen)
    return as_seen, {"current_students": F("current_students") + 1}


@prepared_update
def remove_student(course: UUID) -> Change:
    """Free a seat of a course."""
    taken = Course.objects.filter(pk=course, current_students__gt=0)
    return taken, {"current_students": F("current_students") - 1}


@prepared_update
def remove_student_of(enrollment: UUID, user: UUID) -> Change:
    """Free a seat of the course of a user's enrolment, which is read without a lock."""
    course = CourseEnrollment.objects.of(user).filter(pk=enrollment).values("course_id")[:1]
    taken = Course.objects.filter(pk=Subquery(course), current_students__gt=0)
    return taken, {"current_students": F("current_students") - 1}


def _with_teacher(enrollment: CourseEnrollment, *, teacher_name: str) -> CourseEnrollment:
    course = enrollment.course
    key, db = course.teacher_id, enrollment._state.db
    course.teacher = as_found(User, db, id=key, display_name=teacher_name)
    return enrollment


@prepared_as(_with_teacher)
def lock_own_enrollment(key: UUID, user: UUID) -> QuerySet[CourseEnrollment]:
    """The enrolment, if it is the user's, with its hold, and its course, which are locked too.

    The course's teacher has a name and nothing else, read by a subquery, which locks nothing.
    """
    teacher = User.objects.filter(pk=OuterRef("course__teacher_id"))
    mine = CourseEnrollment.objects.of(user).filter(pk=key).select_related("course", "hold")
    return mine.annotate(teacher_name=Subquery(teacher.values("display_name"))).locked()


@prepared
def own_enrollment(key: UUID, user: UUID) -> QuerySet[CourseEnrollment]:
    """The enrolment, if it is the user's, with course, teacher and hold."""
    return CourseEnrollment.objects.of(user).with_course().filter(pk=key)


@prepared
def own_purchase(key: UUID, user: UUID) -> QuerySet[SessionPurchase]:
    """The single purchase, if it is the user's, with session, course, teacher and hold."""
    return SessionPurchase.objects.of(user).with_course().filter(pk=key)


@cache
def newest_enrollments(limit: int) -> Callable[[UUID], list[CourseEnrollment]]:
    """This many of a user's enrolments, newest first, with course, teacher and hold."""

    @prepared
    def newest(user: UUID) -> QuerySet[CourseEnrollment]:
        return CourseEnrollment.objects.of(user).with_course().newest_first()[:limit]

    return newest


@prepared
def bookings_of(
    student: UUID, now: datetime
) -> QuerySet[PaymentHold, tuple[UUID, datetime | None, int]]:
    """The holds of a student's newest bookings: when each continues, and if it is cancelled.

    One more than `MOST_BOOKINGS`, if there are so many. Singles in a full course are not cancelled.
    """
    # Not by the reason, which has an index: all that was ever folded would be read.
    folded = Func(Case(When(reason=Reason.FOLDED, then=1), default=0), function="MAX")
    parts = HoldPart.objects.filter(hold=OuterRef("pk")).order_by()
    off = Q(status=HoldPart.Status.REFUNDED) | Q(session__status=CourseSession.Status.CANCELLED)
    to_come = parts.alias(ends_at=ending("session__")).filter(~off, ends_at__gt=now)
    kept = Subquery(parts.values(n=1 - folded))
    cancelled = Case(
        When(enrollment__status=EnrollmentStatus.CANCELLED, then=1),
        When(session_purchase__status=PurchaseStatus.CANCELLED, then=kept),
        default=0,
        output_field=IntegerField(),
    )
    starts = Subquery(to_come.values(n=Func("session__starts_at", function="MIN")))
    newest = PaymentHold.objects.filter(student=student).newest_first()[: MOST_BOOKINGS + 1]
    return newest.values_list("pk", starts, cancelled)


@prepared
def hold_with_booking(key: UUID) -> QuerySet[PaymentHold]:
    """The hold, with the enrolment or purchase that it paid for."""
    return PaymentHold.objects.select_related("enrollment", "session_purchase").filter(pk=key)


@prepared
def progress_of(enrollment: UUID) -> QuerySet[HoldPart, tuple[int, int]]:
    """How many parts of an enrolment were attended, and how many are owed."""
    released = HoldPart.Status.RELEASED
    attended = Q(reason=Reason.ATTENDED) | Q(reason=Reason.STAFF_DECISION, status=released)
    parts = HoldPart.objects.filter(hold__enrollment=enrollment).values("hold")
    return parts.annotate(
        attended=Count("pk", filter=attended),
        owed=Count("pk", filter=~Q(reason=Reason.SESSION_CANCELLED)),
    ).values_list("attended", "owed")


# The key of a booking, and its `MUTABLE` fields.
Mutable = tuple[object, ...]


@prepared
def lock_enrollments(keys: list[UUID]) -> QuerySet[CourseEnrollment, Mutable]:
    """The keys of these enrolments and what may have changed, locked in the order of the keys."""
    return _by_key(CourseEnrollment.objects.locked(), keys)


@prepared
def lock_purchases(keys: list[UUID]) -> QuerySet[SessionPurchase, Mutable]:
    """The same for single purchases."""
    return _by_key(SessionPurchase.objects.locked(), keys)


@prepared
def claim_enrollments(keys: list[UUID]) -> QuerySet[CourseEnrollment, Mutable]:
    """The same for those enrolments that nothing else has locked."""
    return _by_key(CourseEnrollment.objects.claimed(), keys)


@prepared
def claim_purchases(keys: list[UUID]) -> QuerySet[SessionPurchase, Mutable]:
    """The same for those single purchases that nothing else has locked."""
    return _by_key(SessionPurchase.objects.claimed(), keys)


def _by_key(bookings: QuerySet[B], keys: list[UUID]) -> QuerySet[B, Mutable]:
    ordered = bookings.filter(pk__in=keys).order_by("pk")
    return ordered.values_list("pk", *bookings.model.MUTABLE)


@prepared
def singles_by_session(
    courses: list[UUID], now: datetime
) -> QuerySet[SessionPurchase, tuple[UUID, UUID, int]]:
    """Course, session and number of `singles_to_come`, for each session that has any."""
    by_session = singles_to_come(Q(course__in=courses), now).values_list("course", "session")
    return by_session.annotate(seats=Count("pk"))


def singles_to_come(courses: Q, now: datetime) -> QuerySet[SessionPurchase]:
    """The singles of sessions to come that take a seat: not those of enrolled students."""
    # What is settled is live too, but never of an upcoming session.
    waiting = SessionPurchase.objects.filter(courses, status=PurchaseStatus.ACTIVE)
    to_come = waiting.filter(session__on_offer=1, session__starts_at__gt=now)
    live = CourseEnrollment.objects.live()
    enrolled = live.filter(course=OuterRef("course"), user=OuterRef("user"))
    return to_come.filter(~Exists(enrolled)).order_by()
