"""The catalogue: courses, and the live sessions that they are made of."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import (
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Least
from django.db.models.lookups import IsNull
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models import User
from common.fields import ExactCharField, mark
from common.models import LockingQuerySet, TimestampedModel
from common.money import CENT, ZERO, split

if TYPE_CHECKING:
    from courses.models.outlines import OutlinedSession

MAX_SESSION_MINUTES = 24 * 60
LONGEST_ANNOUNCEMENT = 2000
# A session, or what its course's outline knows about it.
S = TypeVar("S", bound="CourseSession | OutlinedSession")


def grace() -> timedelta:
    """How long to wait for late events after a session."""
    return timedelta(minutes=settings.SETTLEMENT_GRACE_MINUTES)


def ending(session: str = "") -> ExpressionWrapper:
    """A session's scheduled end, in a query; `session` leads there, as in `session__`."""
    minute = Value(60_000_000)  # microseconds, the unit in which every database stores durations
    length = ExpressionWrapper(F(f"{session}duration_minutes") * minute, DurationField())
    return ExpressionWrapper(F(f"{session}starts_at") + length, DateTimeField())


def next_start(now: datetime) -> Subquery:
    """When the next session of the outer course starts, from an index alone."""
    to_come = CourseSession.objects.filter(course=OuterRef("pk"), on_offer=1, starts_at__gt=now)
    return Subquery(to_come.order_by("starts_at").values("starts_at")[:1])


def new_room_name() -> str:
    """A unique name for a LiveKit room."""
    return f"session-{uuid7().hex}"


class CourseQuerySet(LockingQuerySet):
    def published(self) -> Self:
        return self.filter(status=Course.Status.PUBLISHED)

    def on_sale(self) -> Self:
        """Published courses whose teacher is active: when a teacher has left, nothing is sold."""
        return self.published().filter(teacher__is_active=True, teacher__is_teacher=True)

    def listed(self) -> Self:
        """Those on sale that anyone may come across: not by link only."""
        return self.published().filter(by_link_only=False).taught()

    def to_come(self) -> Self:
        """Those of the `listed` that, as far as is kept, have a session to come."""
        return self.filter(upcoming=1).taught()

    def taught(self) -> Self:
        """Those whose teacher is active, who is asked for in turn.

        For lists: with a join the database might begin with all teachers.
        """
        teaching = User.objects.filter(pk=OuterRef("teacher"), is_active=True, is_teacher=True)
        return self.filter(IsNull(Subquery(teaching.values("pk")[:1]), False))

    def visible_to(self, user: User | None) -> Self:
        """Only its teacher and staff see a draft."""
        if user is None or not user.is_authenticated:
            return self.exclude(status=Course.Status.DRAFT)
        if user.is_staff:
            return self
        return self.filter(~Q(status=Course.Status.DRAFT) | Q(teacher=user))


_NEWEST = ("-created_at", "-id")
_BY_NEXT = ("next_starts_at", *_NEWEST)
_TO_COME = {"status": "published", "by_link_only": False, "next_starts_at__isnull": False}


class Course(TimestampedModel):
    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        ARCHIVED = "archived"

    class Level(models.TextChoices):
        BEGINNER = "beginner"
        INTERMEDIATE = "intermediate"
        ADVANCED = "advanced"

    teacher = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="taught_courses"
    )
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    language = ExactCharField(max_length=50, db_index=True)
    level = models.CharField(max_length=20, choices=Level, default=Level.BEGINNER)
    category = ExactCharField(max_length=50, db_index=True)
    thumbnail = models.ImageField(upload_to="courses", blank=True)
    price_full_course = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    price_per_session = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    max_students = models.PositiveIntegerField(null=True, blank=True)
    current_students = models.PositiveIntegerField(default=0, editable=False)
    status = models.CharField(max_length=20, choices=Status, default=Status.DRAFT)
    # In no list and for no search engine: only people with its link find it.
    by_link_only = models.BooleanField(default=False, db_default=False)
    # Raised by every change to what is sold, including sessions, so that a buyer can tell whether
    # the course is still as it was read.
    terms_version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    # When its next session that can be sold starts. Whatever changes its sessions keeps it, and a
    # job rolls on what has passed: until then lists ask for the one after it.
    next_starts_at = models.DateTimeField(null=True, db_index=True, editable=False)
    # When the words that it is found by last changed, if they ever did.
    words_at = models.DateTimeField(null=True, editable=False)
    # 1 while anyone may come across it and, as far as is kept, a session is to come; else NULL.
    upcoming = mark(**_TO_COME)
    # The same, while those who are enrolled leave a seat.
    free = mark(
        Q(max_students__isnull=True) | Q(max_students__gt=F("current_students")), **_TO_COME
    )
    # What lists sort it by, and the least that anything of it costs.
    price = models.GeneratedField(
        expression=Coalesce("price_full_course", "price_per_session"),
        output_field=models.DecimalField(max_digits=10, decimal_places=2, null=True),
        db_persist=True,
    )
    price_from = models.GeneratedField(
        expression=Least(
            Coalesce("price_full_course", "price_per_session"),
            Coalesce("price_per_session", "price_full_course"),
        ),
        output_field=models.DecimalField(max_digits=10, decimal_places=2, null=True),
        db_persist=True,
    )

    objects = CourseQuerySet.as_manager()

    class Meta:
        db_table = "courses"
        constraints = [
            models.CheckConstraint(
                condition=Q(price_full_course__isnull=True) | Q(price_full_course__gte=CENT),
                name="courses_full_price_positive",
            ),
            models.CheckConstraint(
                condition=Q(price_per_session__isnull=True) | Q(price_per_session__gte=CENT),
                name="courses_session_price_positive",
            ),
            models.CheckConstraint(
                condition=Q(max_students__isnull=True) | Q(max_students__gte=F("current_students")),
                name="courses_not_oversold",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "published", "archived"]),
                name="courses_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-created_at", "-id"], name="courses_catalogue"),
            models.Index(fields=["status", "title", "id"], name="courses_catalogue_title"),
            models.Index(fields=["status", "price", "id"], name="courses_catalogue_price"),
            models.Index(fields=["upcoming", *_BY_NEXT], name="courses_next"),
            models.Index(fields=["upcoming", *_NEWEST], name="courses_newest"),
            models.Index(fields=["upcoming", "price", *_NEWEST], name="courses_cheapest"),
            models.Index(fields=["upcoming", "price_from"], name="courses_from"),
            models.Index(fields=["upcoming", "title", *_NEWEST], name="courses_title"),
            models.Index(fields=["free", *_BY_NEXT], name="courses_free_next"),
            models.Index(fields=["free", *_NEWEST], name="courses_free_newest"),
            models.Index(fields=["free", "price", *_NEWEST], name="courses_free_cheapest"),
            models.Index(fields=["free", "title", *_NEWEST], name="courses_free_title"),
            models.Index(fields=["category", "upcoming", *_BY_NEXT], name="courses_category"),
            models.Index(fields=["language", "upcoming", *_BY_NEXT], name="courses_language"),
            models.Index(fields=["level", "upcoming", *_BY_NEXT], name="courses_level"),
            models.Index(fields=["words_at"], name="courses_words_at"),
        ]

    def __str__(self) -> str:
        return self.title

    def shares_of(self, sessions: Iterable[S]) -> list[tuple[S, Decimal]]:
        """The full price split over its `sessions`, all of them in order, that have a share.

        Each is 0.00 if the full course is not sold.
        """
        sharing = [session for session in sessions if session.has_share]
        amounts = split(self.price_full_course or ZERO, len(sharing)) if sharing else []
        return list(zip(sharing, amounts, strict=True))

    @property
    def is_on_sale(self) -> bool:
        """The same as `CourseQuerySet.on_sale`, for a course that is read with its teacher."""
        return self.status == self.Status.PUBLISHED and self.teacher.is_active_teacher

    def is_visible_to(self, user: User | None) -> bool:
        """Only its teacher and staff see a draft."""
        if self.status != self.Status.DRAFT:
            return True
        return user is not None and (self.teacher_id == user.pk or user.is_staff)


class CourseSessionQuerySet(LockingQuerySet):
    def open_at(self, now: datetime) -> Self:
        """Sessions that can still be sold: neither cancelled nor started by `now`."""
        return self.filter(status__in=CourseSession.OPEN, starts_at__gt=now)

    def settling_at(self, now: datetime) -> Self:
        """Sessions that attendance can settle by `now`: they have ended, and the grace is over."""
        return self.ended_by(now - grace())

    def without_teacher(self) -> Self:
        """Those that were not called off, and whose teacher is gone."""
        teaching = Q(course__teacher__is_active=True, course__teacher__is_teacher=True)
        return self.filter(~teaching, status__in=CourseSession.OPEN)

    def ended_by(self, at: datetime) -> Self:
        """Sessions whose scheduled end was `at` this time or before."""
        # An index can answer the first condition.
        return self.filter(starts_at__lt=at).alias(ends=ending()).filter(ends__lte=at)

    def not_over(self, now: datetime) -> Self:
        """Sessions that are upcoming or running: neither cancelled nor ended by `now`."""
        # An index narrows down what may still be running: no session is longer.
        recent = self.filter(
            status__in=CourseSession.OPEN,
            starts_at__gt=now - timedelta(minutes=MAX_SESSION_MINUTES),
        )
        return recent.alias(ends=ending()).filter(ends__gt=now)

    def running(self, now: datetime) -> Self:
        """Those that have started, and are not over."""
        return self.not_over(now).filter(starts_at__lte=now)


class CourseSession(TimestampedModel):
    class Status(models.TextChoices):
        SCHEDULED = "scheduled"
        LIVE = "live"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    # A room may open, and the session be live, minutes before it starts.
    OPEN = (Status.SCHEDULED, Status.LIVE)

    course = models.ForeignKey(Course, models.PROTECT, related_name="sessions")
    session_number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    starts_at = models.DateTimeField(db_index=True)
    duration_minutes = models.PositiveIntegerField()
    # When its start or length last changed, if ever.
    rescheduled_at = models.DateTimeField(null=True, blank=True, editable=False)
    # How often its start or length changed or it was called off, as calendars count.
    sequence = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    status = models.CharField(max_length=20, choices=Status, default=Status.SCHEDULED)
    # Whether it has a share of the full price. A session called off before anyone paid for it has
    # none.
    has_share = models.BooleanField(default=True, editable=False)
    # 1 while only its start can keep it from being sold, otherwise NULL, so that one index finds
    # the next.
    on_offer = mark(status__in=OPEN)
    room_name = ExactCharField(max_length=100, unique=True, default=new_room_name, editable=False)

    objects = CourseSessionQuerySet.as_manager()

    class Meta:
        db_table = "course_sessions"
        ordering = ["session_number"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "session_number"], name="course_sessions_number_unique"
            ),
            models.CheckConstraint(
                condition=Q(duration_minutes__range=(1, MAX_SESSION_MINUTES)),
                name="course_sessions_duration",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["scheduled", "live", "completed", "cancelled"]),
                name="course_sessions_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "starts_at"], name="course_sessions_due"),
            models.Index(fields=["course", "on_offer", "starts_at"], name="course_sessions_next"),
            models.Index(
                fields=["course", "status", "starts_at", "rescheduled_at"],
                name="course_sessions_record",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_number}. {self.title}"

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.duration_minutes)

    @property
    def when(self) -> tuple[datetime, int]:
        """Sorts sessions by time; those that start together by number."""
        return self.starts_at, self.session_number

    @property
    def opens_at(self) -> datetime:
        """When its room opens."""
        return self.starts_at - timedelta(minutes=settings.JOIN_OPENS_MINUTES)

    @property
    def settles_at(self) -> datetime:
        """When its money is settled by attendance: late events should have arrived by then."""
        return self.ends_at + grace()

    @property
    def cancel_until(self) -> datetime:
        """Until when cancelling gives a student the money back."""
        return self.starts_at

    def has_started(self, now: datetime | None = None) -> bool:
        return self.starts_at <= (now or timezone.now())

    def lasts(self, now: datetime) -> bool:
        """Upcoming or running: neither cancelled nor over by `now`."""
        return self.status in self.OPEN and self.ends_at > now

    def runs(self, now: datetime) -> bool:
        """Running: started, and neither cancelled nor over by `now`."""
        return self.lasts(now) and self.has_started(now)

    def is_open(self, now: datetime) -> bool:
        """Can still be sold: neither cancelled nor started by `now`."""
        return self.status in self.OPEN and not self.has_started(now)


def next_of(sessions: Sequence[CourseSession], now: datetime) -> int:
    """The position of the first of these sessions that is neither cancelled nor over."""
    return next((place for place, session in enumerate(sessions) if session.lasts(now)), 0)


def in_time(sessions: Iterable[CourseSession]) -> list[CourseSession]:
    """These sessions as pages show them: by time. The API goes by their numbers."""
    return sorted(sessions, key=lambda session: session.when)
