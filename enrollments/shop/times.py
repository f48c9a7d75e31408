"""On which days and at which times of day a course's sessions are, as its readers ask."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple, Self, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull, Lookup
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from common.conditions import Condition
from common.shapes import Sql
from courses.models import CourseQuerySet, CourseSession

Q_ = TypeVar("Q_", bound=QuerySet)
Span = tuple[datetime, datetime]

# How far ahead sessions are looked at.
AHEAD = timedelta(weeks=8)
MIDNIGHT = time()
DAYS = {
    "weekdays": ("Weekdays", range(5)),
    "weekends": ("Weekends", range(5, 7)),
    "monday": ("Mondays", [0]),
    "tuesday": ("Tuesdays", [1]),
    "wednesday": ("Wednesdays", [2]),
    "thursday": ("Thursdays", [3]),
    "friday": ("Fridays", [4]),
    "saturday": ("Saturdays", [5]),
    "sunday": ("Sundays", [6]),
}
DAYS_TOGETHER = ("weekdays", "weekends")
TIMES = {
    "mornings": ("Mornings, before 12:00", (MIDNIGHT, time(12))),
    "afternoons": ("Afternoons, 12:00–17:00", (time(12), time(17))),
    "evenings": ("Evenings, from 17:00", (time(17), MIDNIGHT)),
}


def _written(keys: Iterable[str]) -> re.Pattern[str]:
    """Any of these, of one or of many, with the small words that lead there."""
    words = "|".join(key.removesuffix("s") for key in keys)
    return re.compile(rf"(?<!\w)(?:(?:on|in|the) +)*({words})s?(?!\w)", re.IGNORECASE)


_DAYS, _TIMES = _written(DAYS), _written(TIMES)


class Wish(NamedTuple):
    """Days and times that somebody wrote into a `search`, which is what else they wrote."""

    days: str
    times: str
    search: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """`spanish on weekday evenings`; what is in quotes is meant as words."""
        if '"' in text:
            return None
        days, rest = _taken(_DAYS, DAYS, text)
        times, rest = _taken(_TIMES, TIMES, rest)
        return cls(days, times, " ".join(rest.split())) if days or times else None

    def __str__(self) -> str:
        """`on weekday evenings`, `on Mondays`, `in the evenings`."""
        if not self.days:
            return f"in the {self.times}"
        many, _ = DAYS[self.days]
        day = many.lower() if self.days in DAYS_TOGETHER else many
        return f"on {day.removesuffix('s')} {self.times}" if self.times else f"on {day}"


def _taken(written: re.Pattern[str], keys: Iterable[str], text: str) -> tuple[str, str]:
    """The first that is written, if there is one, and the text without it."""
    if not (found := written.search(text)):
        return "", text
    word = found[1].lower()
    key = next(key for key in keys if key.removesuffix("s") == word)
    return key, f"{text[: found.start()]} {text[found.end() :]}"


class _Inside(Lookup):
    """Whether a time is in one of these spans.

    As a filter of the ORM, each of them would cost more than the database has with it.
    """

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        column, _ = self.process_lhs(compiler, connection)
        spans = " OR ".join([f"({column} >= %s AND {column} < %s)"] * len(self.rhs))
        adapt = connection.ops.adapt_datetimefield_value
        return f"({spans})", [adapt(at) for span in self.rhs for at in span]


class Slots(NamedTuple):
    """The UTC spans, from `now` to `until`, in which a session may start; in order, none touch."""

    spans: Sequence[Span]
    now: datetime
    until: datetime

    @classmethod
    def of(cls, days: str, times: str) -> Self:
        """Those of the next eight weeks in the active time zone: keys of DAYS and TIMES, or "".

        The days are worked out here: a database without zone tables couldn't say.
        """
        now = timezone.now()
        today = timezone.localdate(now)
        _, weekdays = DAYS.get(days, ("", range(7)))
        _, (opens, closes) = TIMES.get(times, ("", (MIDNIGHT, MIDNIGHT)))
        spans: list[Span] = []
        for day in (today + timedelta(days=ahead) for ahead in range(AHEAD.days)):
            if day.weekday() not in weekdays:
                continue
            last = day + timedelta(days=closes == MIDNIGHT)
            start = _instant(datetime.combine(day, opens))
            touches = bool(spans) and spans[-1][1] == start
            first = spans.pop()[0] if touches else start
            spans.append((first, _instant(datetime.combine(last, closes))))
        return cls(spans, now, _instant(datetime.combine(today + AHEAD, MIDNIGHT)))

    def narrow(self, courses: Q_) -> Q_:
        """The courses that fit, each with `fits_at`: the start of its first session that does.

        Where singles are sold any session may fit; of a course that is only sold whole, all that
        are to come have to.
        """
        fits_at = Subquery(self._fitting_of("pk").values("starts_at")[:1])
        return self._sold_so(courses.annotate(fits_at=fits_at)).filter(IsNull(F("fits_at"), False))

    def soonest(self, courses: CourseQuerySet) -> QuerySet[CourseSession]:
        """The same as those sessions, in the order of their starts, which an index gives.

        The course of each is asked for in turn: with a join the database might begin with courses.
        """
        of_session = Condition("courses.id = course_sessions.course_id")
        course = self._sold_so(courses.filter(of_session)).order_by().values("pk")[:1]
        sql, values = course.query.get_compiler(courses.db).as_sql()
        first = Subquery(self._fitting_of("course").values("pk")[:1])
        fitting = self._fitting().filter(pk=first).order_by("starts_at", "pk")
        return fitting.filter(Condition(f"({sql}) IS NOT NULL", values))

    def _sold_so(self, courses: Q_) -> Q_:
        """Without those that are only sold whole and have a session at another time."""
        misfit = self._to_come().exclude(self._inside("starts_at")).filter(course=OuterRef("pk"))
        # What is kept of a course tells of most: it hasn't passed, and doesn't fit.
        may_fit = Q(next_starts_at__lte=self.now) | Q(self._inside("next_starts_at"))
        # Not EXISTS: the database might read the sessions of all courses first.
        fits = may_fit & Q(IsNull(Subquery(misfit.values("pk")[:1]), True))
        return courses.filter(Q(price_per_session__isnull=False) | fits)

    def _fitting_of(self, course: str) -> QuerySet[CourseSession]:
        """Those of the outer query's course."""
        return self._fitting().filter(course=OuterRef(course)).order_by("starts_at", "pk")

    def _fitting(self) -> QuerySet[CourseSession]:
        return self._to_come().filter(self._inside("starts_at"))

    def _to_come(self) -> QuerySet[CourseSession]:
        sessions = CourseSession.objects.filter(on_offer=1).order_by()
        return sessions.filter(starts_at__gt=self.now, starts_at__lt=self.until)

    def _inside(self, name: str) -> _Inside:
        return _Inside(F(name), self.spans)


def _instant(local: datetime) -> datetime:
    return local.replace(tzinfo=timezone.get_current_timezone()).astimezone(UTC)
