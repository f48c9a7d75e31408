"""On which days and at which times of day a course's sessions are, as its readers ask."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple, Self, TypeVar

from django.db import connections, router
from django.db.models import DateTimeField, F, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.lookups import IsNull
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


class Slots(NamedTuple):
    """The UTC spans, from `now` to `until`, in which a session may start; in order, none touch."""

    spans: tuple[Span, ...]
    now: datetime
    until: datetime

    @classmethod
    def of(cls, days: str, times: str) -> Self:
        """Those of the next eight weeks in the active time zone: keys of DAYS and TIMES, or "".

        The days are worked out here: a database without zone tables couldn't say.
        """
        now, zone = timezone.now(), timezone.get_current_timezone()
        today = timezone.localdate(now)
        until = _instant(datetime.combine(today + AHEAD, MIDNIGHT), zone)
        return cls(_spans(days, times, today, zone), now, until)

    def narrow(self, courses: Q_) -> Q_:
        """The courses that fit, each with `fits_at`: the start of its first session that does.

        Where singles are sold any session may fit; of a course that is only sold whole, all that
        are to come have to.
        """
        first, values = self._first("courses.id", "starts_at")
        fits_at = RawSQL(first, values, DateTimeField())  # noqa: S611
        fitting = courses.annotate(fits_at=fits_at).filter(IsNull(F("fits_at"), False))
        return fitting.filter(self._sold_so())

    def soonest(self, courses: CourseQuerySet) -> QuerySet[CourseSession]:
        """The same as those sessions, in the order of their starts, which an index gives.

        The course of each is asked for in turn: with a join the database might begin with courses.
        """
        of_session = Condition("courses.id = course_sessions.course_id")
        course = courses.filter(of_session, self._sold_so()).order_by().values("pk")[:1]
        sql, values = course.query.get_compiler(courses.db).as_sql()
        first, firsts = self._first("course_sessions.course_id", "id")
        fitting = (
            self._to_come("course_sessions"),
            self._inside("course_sessions.starts_at"),
            Condition(f"course_sessions.id = ({first})", firsts),
            Condition(f"({sql}) IS NOT NULL", values),
        )
        return CourseSession.objects.filter(*fitting).order_by("starts_at", "pk")

    def _first(self, course: str, column: str) -> Sql:
        """SQL for what a column has in the course's first session that fits."""
        fitting = Condition.all_of([self._to_come("f"), self._inside(_unindexed("f.starts_at"))])
        where = f"f.course_id = {course} AND {fitting.sql} ORDER BY f.starts_at, f.id LIMIT 1"
        return f"SELECT f.{column} FROM course_sessions f WHERE {where}", fitting.values  # noqa: S608

    def _sold_so(self) -> Condition:
        """Whether a course is sold by the session, or has none at another time."""
        # What is kept of a course tells of most: it hasn't passed, and doesn't fit.
        has_passed = Condition("courses.next_starts_at <= %s", [_sent(self.now)])
        may_fit = Condition.any_of([has_passed, self._inside(_unindexed("courses.next_starts_at"))])
        to_come, inside = self._to_come("m"), self._inside(_unindexed("m.starts_at"))
        # Not EXISTS: the database might read the sessions of all courses first.
        where = f"m.course_id = courses.id AND {to_come.sql} AND NOT {inside.sql} LIMIT 1"
        misfit = f"(SELECT m.id FROM course_sessions m WHERE {where}) IS NULL"  # noqa: S608
        whole = Condition.all_of([may_fit, Condition(misfit, [*to_come.values, *inside.values])])
        return Condition.any_of([Condition("courses.price_per_session IS NOT NULL"), whole])

    def _to_come(self, sessions: str) -> Condition:
        sql = f"{sessions}.on_offer = 1 AND {sessions}.starts_at > %s AND {sessions}.starts_at < %s"
        return Condition(sql, [_sent(self.now), _sent(self.until)])

    def _inside(self, time: str) -> Condition:
        """Whether a time is in one of the spans."""
        spans = " OR ".join([f"{time} BETWEEN %s AND %s"] * len(self.spans))
        moments = [at for start, end in self.spans for at in (start, end - datetime.resolution)]
        return Condition(f"({spans})", [_sent(at) for at in moments])


@lru_cache
def _spans(days: str, times: str, today: date, zone: tzinfo) -> tuple[Span, ...]:
    _, weekdays = DAYS.get(days, ("", range(7)))
    _, (opens, closes) = TIMES.get(times, ("", (MIDNIGHT, MIDNIGHT)))
    spans: list[Span] = []
    for day in (today + timedelta(days=ahead) for ahead in range(AHEAD.days)):
        if day.weekday() not in weekdays:
            continue
        last = day + timedelta(days=closes == MIDNIGHT)
        start = _instant(datetime.combine(day, opens), zone)
        touches = bool(spans) and spans[-1][1] == start
        first = spans.pop()[0] if touches else start
        spans.append((first, _instant(datetime.combine(last, closes), zone)))
    return tuple(spans)


def _instant(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _unindexed(time: str) -> str:
    """The same in SQL, as no index has it: one would be planned with for each span."""
    return f"COALESCE({time}, {time})"


def _sent(at: datetime) -> object:
    """A time as the database is sent it."""
    return connections[router.db_for_read(CourseSession)].ops.adapt_datetimefield_value(at)
