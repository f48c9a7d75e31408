"""The courses with a session to come that a reader looks for: how many, and a page of them.

What is sorted and counted is in `courses` alone, so that an index gives a page in its order: a list
reads no more rows the more courses there are. When the next session starts is kept there too, and a
job rolls it on as time passes. Until it does, the few that have passed are looked at one by one.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.db.models import Case, DateTimeField, F, OrderBy, QuerySet, Value, When
from django.utils import timezone

from common.conditions import Condition
from common.formats import counted
from courses import queries
from courses.models import Course, CourseQuerySet
from courses.search import FewCourses, Search
from enrollments.shop.catalogue import read_courses
from enrollments.shop.times import Slots

# How far courses are counted, and shown page by page.
MOST = 300
# Courses that are asked for their days and times; of more, sessions are asked for their courses.
FEW = 400
NEWEST = ("-created_at", "-id")
NEXT = ("next_starts_at", *NEWEST)


class Moment(NamedTuple):
    """A time, and the courses whose kept next start has passed by then, with the one after it."""

    now: datetime
    passed: dict[UUID, datetime | None]

    @classmethod
    def read(cls) -> "Moment":
        """This moment; one statement."""
        now = timezone.now()
        return cls(now, dict(queries.passed(now)))

    @property
    def later(self) -> dict[UUID, datetime]:
        return {key: start for key, start in self.passed.items() if start}

    def to_come(self) -> CourseQuerySet:
        """The courses listed that have a session to come."""
        over = [key for key, start in self.passed.items() if start is None]
        courses = Course.objects.to_come()
        return courses.exclude(pk__in=over) if over else courses

    def next_start(self) -> F | Case:
        """When the next session of a course starts, in a query that goes by another order first."""
        if not self.later:
            return F("next_starts_at")
        cases = [When(pk=key, then=Value(start)) for key, start in self.later.items()]
        return Case(*cases, default=F("next_starts_at"), output_field=DateTimeField())


class Row(NamedTuple):
    """A course that was found, before it is read.

    `fits_at` is when its first session starts that fits the days and times asked for, if any were.
    """

    key: UUID
    starts_at: datetime
    created_at: datetime | None = None
    fits_at: datetime | None = None


class Found(ABC):
    """Courses of `Moment.to_come`, of which a paginator counts and shows the first."""

    @property
    def counted(self) -> str:
        """How many there are, in words."""
        return f"{MOST:,}+ courses" if self.has_more else counted(self.count(), "course")

    @property
    def has_more(self) -> bool:
        """Whether there are more than are counted and shown."""
        return self.at_least > MOST

    def count(self) -> int:
        """How many are shown, page by page."""
        return min(self.at_least, MOST)

    def __getitem__(self, part: slice) -> list[Course]:
        """With teacher and outline; at most three statements."""
        rows = self.rows(part.start, min(part.stop, MOST))
        courses = read_courses([row.key for row in rows])
        fits_at = {row.key: row.fits_at for row in rows}
        for course in courses:
            course.__dict__["fits_at"] = fits_at[course.pk]
        return courses

    @property
    @abstractmethod
    def at_least(self) -> int:
        """How many there are, or more than are shown; one statement, or two by days and times."""

    @abstractmethod
    def rows(self, start: int, stop: int) -> list[Row]:
        """A part of them."""


class RankedCourses(Found):
    """Those of several lists, one after the other."""

    def __init__(self, lists: "Sequence[FoundCourses]") -> None:
        self._lists = lists

    @cached_property
    def at_least(self) -> int:
        number = 0
        for one in self._lists:
            number += one.at_least
            if number > MOST:
                break
        return number

    def rows(self, start: int, stop: int) -> list[Row]:
        rows: list[Row] = []
        for one in self._lists:
            if start >= stop:
                break
            if start < one.count():
                rows += one.rows(start, min(stop, one.count()))
            start, stop = max(start - one.count(), 0), stop - one.count()
        return rows


class FoundCourses(Found):
    """In this order, or else by what comes next: of days and times, by what fits of it."""

    def __init__(
        self,
        courses: CourseQuerySet,
        order: Sequence[str | OrderBy],
        moment: Moment,
        slots: Slots | None = None,
        some: Condition | None = None,
    ) -> None:
        self._order, self._moment, self._slots, self._some = order, moment, slots, some
        self._courses, self._are_few = courses.order_by(), isinstance(courses, FewCourses)
        found = slots.narrow(self._courses) if slots else self._courses
        fits = ("fits_at",) if slots else ()
        self._rows = found.values_list("pk", "next_starts_at", "created_at", *fits)

    @property
    def at_least(self) -> int:
        return len(self._found)

    def rows(self, start: int, stop: int) -> list[Row]:
        """No more is read if what is shown is among those that were found."""
        are_found = not self.has_more or self._are_few or (self._slots and not self._order)
        return self._all()[start:stop] if are_found else self._part(start, stop)

    @cached_property
    def _found(self) -> list[Row]:
        """Those that are counted, and one more if there is, as the database finds them soonest."""
        if self._are_few:
            order = self._order or _next(self._moment, self._slots)
            return _read(self._rows.order_by(*order)[: MOST + 1])
        if self._slots:
            return self._fitting(self._slots)
        return _read(self._first(self._rows, MOST + 1))

    def _first(self, rows: QuerySet, number: int) -> QuerySet:
        """So many, of `some` of these rows if there are enough."""
        if self._some:
            found = rows.filter(self._some)[:number]
            if len(found) == number:
                return found
        return rows[:number]

    def _fitting(self, slots: Slots) -> list[Row]:
        """The soonest that fit, asked for as `FEW` says."""
        keys = [*self._first(self._courses.values_list("pk", flat=True), FEW + 1)]
        if len(keys) <= FEW:
            return sorted(_read(self._rows.filter(pk__in=keys)), key=_when)[: MOST + 1]
        sessions = slots.soonest(self._courses).values_list("course", "starts_at")[: MOST + 1]
        return [Row(key, at, fits_at=at) for key, at in sessions]

    def _all(self) -> list[Row]:
        if not self._order:
            later = self._moment.later
            rows = (
                row._replace(starts_at=later.get(row.key, row.starts_at)) for row in self._found
            )
            return sorted(rows, key=_when)
        if self._are_few:
            return self._found
        found = {row.key: row for row in self._found}
        ordered = Course.objects.filter(pk__in=found).order_by(*self._order)
        return [found[key] for key in ordered.values_list("pk", flat=True)]

    def _part(self, start: int, stop: int) -> list[Row]:
        """In an order of the database's, or by what comes next.

        Then those that are kept come as an index gives them, with the few others merged.
        """
        if self._order:
            return _read(self._rows.order_by(*self._order)[start:stop])
        kept, later = self._rows.order_by(*NEXT), self._moment.later
        if self._moment.passed:
            kept = kept.filter(next_starts_at__gt=self._moment.now)
        moved = _read(self._rows.filter(pk__in=later)) if later else []
        others = [row._replace(starts_at=later[row.key]) for row in moved]
        first = max(start - len(others), 0)
        rows = [*_read(kept[first:stop]), *others]
        rows.sort(key=_when)
        return rows[start - first : stop - first]


def best_first(
    search: Search, courses: CourseQuerySet, moment: Moment, slots: Slots | None
) -> Found:
    """First those that meet most words outside their description, if any differ in that."""
    best, some = search.best(), search.some()
    if not best:
        return FoundCourses(courses, (), moment, slots, some)
    if isinstance(courses, FewCourses):
        return FoundCourses(courses, (*best, *_next(moment, slots)), moment, slots)
    ranks = search.ranks(courses)
    return RankedCourses([FoundCourses(part, (), moment, slots, some) for part, some in ranks])


def _next(moment: Moment, slots: Slots | None) -> Sequence[str | OrderBy]:
    """By what comes next, or fits, as the database sorts those that are few."""
    return (OrderBy(F("fits_at") if slots else moment.next_start()), *NEWEST)


def _when(row: Row) -> tuple[datetime, float, int]:
    created = row.created_at.timestamp() if row.created_at else 0
    return row.fits_at or row.starts_at, -created, -row.key.int


def _read(rows: QuerySet) -> list[Row]:
    return [Row(*row) for row in rows]
