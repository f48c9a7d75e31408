"""One course as its reader sees it: seats left, what they have, and what it costs them now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError, NotFound
from courses.models import Announcement, Course, CourseSession
from courses.services import find_course
from enrollments import queries, quotes, rules
from enrollments.access import Access, access_of
from enrollments.models import CourseEnrollment
from enrollments.quotes import CourseQuote
from enrollments.rows import PartOfMine, SessionShown
from payments.models import HoldPart

# How many of a teacher's messages a course page shows.
LATEST = 20


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session on the page of its course, and in the API; no `seats_left` without a limit.

    The reader can't buy it because of the `refusal`, or can for the `price_now`, which is None for
    guests, as is the access. `my_part` is what they last paid for it. It `is_dearer` than the full
    course, or costs the same.
    """

    session: CourseSession
    seats_left: int | None
    refusal: DomainError | None
    price_now: Decimal | None = None
    my_access: Access | None = None
    my_part: HoldPart | None = None
    is_dearer: bool = False

    @property
    def is_held(self) -> bool:
        """Whether the reader's money is held for it."""
        return self.my_part is not None and self.my_part.status == HoldPart.Status.PENDING

    @property
    def concerns_reader(self) -> bool:
        """Whether they have it, or had it when it was called off."""
        part, access = self.my_part, self.my_access
        called_off = part is not None and part.reason == HoldPart.Reason.SESSION_CANCELLED
        return bool(access and access.has_access) or self.is_held or called_off

    @property
    def is_kept_single(self) -> bool:
        """Whether the reader bought it singly and got no refund for it."""
        part = self.my_part
        if part is None or part.hold.session_purchase_id is None:
            return False
        return part.status != HoldPart.Status.REFUNDED


@dataclass(frozen=True, slots=True)
class ShownCourse:
    """A course on its page, and in the API, with all of its sessions; prices as above.

    `held` is what the reader has, of this course and others.
    """

    course: Course
    sessions: Sequence[ShownSession]
    quote: CourseQuote[CourseSession]
    next_session_starts_at: datetime | None
    refusal: DomainError | None
    my_enrollment: CourseEnrollment | None = None
    price_now: Decimal | None = None
    already_held: Decimal | None = None
    held: Sequence[PartOfMine] = ()

    @property
    def sessions_count(self) -> int:
        return len(self.sessions)

    @property
    def seats_left(self) -> int | None:
        return quotes.shown(self.quote.seats_left)

    @property
    def is_only_whole(self) -> bool:
        """Whether none of its sessions is worth buying alone."""
        return any(one.is_dearer for one in self.sessions)

    def overlapped(self, session: CourseSession, now: datetime) -> PartOfMine | None:
        """Another session that the reader has while one still to come takes place."""
        if not session.is_open(now):
            return None
        return next((other for other in self.held if other.overlaps(session)), None)


def course_for(user: User | None, course_id: UUID) -> ShownCourse:
    """One course with its sessions, and for a logged-in user what they have and what it costs.

    Raises `NotFound` if it is hidden from them. At most two statements for a guest.
    """
    rows = queries.sessions_shown(course_id, user.pk) if user else queries.sessions_seen(course_id)
    course = rows[0].session.course if rows else find_course(course_id)
    if not course.is_visible_to(user):
        raise NotFound
    for row in rows:
        row.session.course = course
    now = timezone.now()
    mine = queries.parts_of(course.pk, user.pk) if user else []
    here = {row.session.pk for row in rows}
    parts = {one.part.session_id: one.part for one in mine if one.part.session_id in here}
    quote = quotes.quote_course(course, rows, user, now)
    refusal = rules.refuse_course(quote, user)
    for_sale = user is not None and refusal is None
    dearer = refusal is None and quote.is_dearer_singly
    to_come = [row.session.starts_at for row in rows if row.session.is_open(now)]
    return ShownCourse(
        course=course,
        sessions=[replace(_shown(row, user, parts, now), is_dearer=dearer) for row in rows],
        quote=quote,
        next_session_starts_at=min(to_come, default=None),
        refusal=refusal,
        my_enrollment=_my_enrollment(course, parts),
        price_now=quote.price if for_sale else None,
        already_held=quote.folded_amount if for_sale else None,
        held=mine,
    )


def announcements_for(user: User | None, shown: ShownCourse) -> list[Announcement]:
    """The latest that the course's teacher wrote to this reader, newest first; all to the teacher.

    What was written to a whole course, to those who are enrolled or kept a single purchase; what
    was written to a session, to those who have it, or had it when it was called off. Nobody else
    costs a statement.
    """
    written = shown.course.announcements.select_related("session")
    if user and user.pk == shown.course.teacher_id:
        return list(written[:LATEST])
    mine = [one.session.pk for one in shown.sessions if one.concerns_reader]
    among = Q(session__in=mine)
    if shown.my_enrollment or any(one.is_kept_single for one in shown.sessions):
        among |= Q(session=None)
    elif not mine:
        return []
    return list(written.filter(among)[:LATEST])


def _shown(
    row: SessionShown, user: User | None, parts: Mapping[UUID, HoldPart], now: datetime
) -> ShownSession:
    session, refusal = row.session, rules.refuse_session(row, user, now)
    seats_left = quotes.shown(quotes.session_seats_left(row))
    if user is None:
        return ShownSession(session, seats_left, refusal)
    return ShownSession(
        session=session,
        seats_left=seats_left,
        refusal=refusal,
        price_now=None if refusal else session.course.price_per_session,
        my_access=access_of(row, user),
        my_part=parts.get(session.pk),
    )


def _my_enrollment(course: Course, parts: Mapping[UUID, HoldPart]) -> CourseEnrollment | None:
    bought = (part.hold.enrollment for part in parts.values())
    mine = next((enrollment for enrollment in bought if enrollment and enrollment.live), None)
    if mine:
        mine.course = course
    return mine
