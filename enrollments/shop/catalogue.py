"""The courses on sale, as rows for the API and as cards for the catalogue's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from common.errors import DomainError
from courses import queries
from courses.models import (
    MAX_SESSION_MINUTES,
    Course,
    CourseOutline,
    CourseSession,
    OutlinedSession,
)
from enrollments import quotes, rules
from enrollments.errors import NotForSale, Unsold
from enrollments.queries import courses_joined
from enrollments.quotes import CourseQuote
from enrollments.shop import offers


@dataclass(frozen=True, slots=True)
class ListedCourse:
    """A course of the catalogue, and its sessions in outline; no `seats_left` without a limit."""

    course: Course
    outline: CourseOutline
    next_session_starts_at: datetime | None
    seats_left: int | None

    @property
    def sessions_count(self) -> int:
        return self.outline.sessions_count


@dataclass(frozen=True, slots=True)
class Card:
    """A course of the catalogue on its card: what it costs a guest, and why they can't buy it.

    The reader may have `joined` it; one of its sessions may be `running`.
    """

    listed: ListedCourse
    quote: CourseQuote[OutlinedSession]
    refusal: DomainError | None
    joined: bool
    running: bool

    @property
    def fits_at(self) -> datetime | None:
        """When its first session of the days and times that were asked for starts."""
        return getattr(self.listed.course, "fits_at", None)

    @property
    def is_over(self) -> bool:
        return isinstance(self.refusal, NotForSale) and self.refusal.why == Unsold.OVER

    @property
    def is_only_whole(self) -> bool:
        """Whether none of its sessions is worth buying alone."""
        return self.refusal is None and self.quote.is_dearer_singly

    @property
    def badge(self) -> str:
        """The word for what keeps it from being bought, if anything; none for those who joined."""
        if self.is_over:
            return offers.ENDED.badge if self.quote.sessions_count else ""
        return offers.SOLD_OUT.badge if self.quote.is_full and not self.joined else ""


def read_courses(keys: Sequence[UUID]) -> list[Course]:
    """Courses with teacher and outline, for the two below, in the order of these keys."""
    found = {course.pk: course for course in queries.courses_listed([*keys])}
    return [found[key] for key in keys if key in found]


def listed(courses: Sequence[Course]) -> list[ListedCourse]:
    """Courses of `read_courses` with the outline of their sessions, and their seats left.

    Reads no sessions, of which a course may have hundreds. One statement if seats are limited.
    """
    return _listed(courses, timezone.now())


def cards(courses: Sequence[Course], user: User | None) -> list[Card]:
    """Courses of `read_courses` as the reader sees them.

    One statement more than `listed` for a user, and one if a session may be running.
    """
    now, joined = timezone.now(), _joined(user, courses) if user else set()
    found = _listed(courses, now)
    running = _running(found, now)
    return [
        _card(one, now, joined=one.course.pk in joined, running=one.course.pk in running)
        for one in found
    ]


def _listed(courses: Sequence[Course], now: datetime) -> list[ListedCourse]:
    limited = [course.pk for course in courses if course.max_students is not None]
    singles = quotes.singles_in_the_fullest(limited, now) if limited else {}
    outlines = _outlines(courses)
    return [
        ListedCourse(
            course=course,
            outline=outlines[course.pk],
            next_session_starts_at=_next_start(course, outlines[course.pk], now),
            seats_left=quotes.shown(quotes.seats_left(course, singles.get(course.pk, 0))),
        )
        for course in courses
    ]


def _next_start(course: Course, outline: CourseOutline, now: datetime) -> datetime | None:
    """As it is kept; or by the outline, until the job has rolled on what has passed."""
    kept = course.next_starts_at
    return outline.next_start(now) if kept and kept <= now else kept


def _card(found: ListedCourse, now: datetime, *, joined: bool, running: bool) -> Card:
    quote = quotes.quote_outlined(found.course, found.outline, found.seats_left, now)
    return Card(found, quote, rules.refuse_course(quote, None), joined, running)


def _outlines(courses: Sequence[Course]) -> dict[UUID, CourseOutline]:
    """The outline of each; made from its sessions if there is none."""
    outlines = {course.pk: course.outline for course in courses if hasattr(course, "outline")}
    astray: dict[UUID, list[CourseSession]] = {
        course.pk: [] for course in courses if course.pk not in outlines
    }
    if astray:
        sessions = CourseSession.objects.filter(course__in=astray).order_by("session_number")
        for session in sessions:
            astray[session.course_id].append(session)
    return outlines | {key: CourseOutline.of(key, found) for key, found in astray.items()}


def _running(found: Sequence[ListedCourse], now: datetime) -> set[UUID]:
    """Those with a session that runs. Sessions are read only where an outline says that one may."""
    maybe = [one.course.pk for one in found if _may_run(one.outline, now)]
    if not maybe:
        return set()
    running = CourseSession.objects.running(now).filter(course__in=maybe)
    return set(running.values_list("course_id", flat=True))


def _may_run(outline: CourseOutline, now: datetime) -> bool:
    """Whether a session began so lately that the longest would still run."""
    earliest = now - timedelta(minutes=MAX_SESSION_MINUTES)
    starts = (session.starts_at for session in outline.sessions)
    return any(start and earliest < start <= now for start in starts)


def _joined(user: User, courses: Sequence[Course]) -> set[UUID]:
    return {key for [key] in courses_joined(user.pk, [course.pk for course in courses])}
