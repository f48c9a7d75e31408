"""The courses with a session to come that a reader looks for: how many, and a page of them.

What is sorted and counted is in `courses` alone, so that an index gives a page in its order: a list
reads no more rows the more courses there are. When the next session starts is kept there too, and a
job rolls it on as time passes. Until it does, the few that have passed are looked at one by one.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.db.models import Case, DateTimeField, F, OrderBy, QuerySet, Value, When
from django.utils import timezone

from common.formats import counted
from courses import queries
from courses.models import Course, CourseQuerySet
from courses.notes import Notes
from courses.search import Part, Search
from enrollments.shop.catalogue import read_courses
from enrollments.shop.times import Slots

# How far courses are counted, and shown page by page.
MOST = 300
# Courses that are asked for their days and times; of more, sessions are asked for their courses.
FEW = 400
# Of few, twice as many as are shown are looked at and these, in case that some don't meet all.
SPARE = 100
NEWEST = ("-created_at", "-id")
NEXT = ("next_starts_at", *NEWEST)

# Whether there were more than are shown, by what was asked for.
_many = Notes[bool]()


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

    @property
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
    """In this order, or else by what comes next: of days and times, by what fits of it.

    `asked` says what is asked for. If by that there were more than are shown, it is noted: for a
    while they aren't counted again unless one is missing.
    """

    def __init__(
        self,
        part: Part,
        order: Sequence[str | OrderBy],
        moment: Moment,
        slots: Slots | None = None,
        *,
        asked: Hashable,
    ) -> None:
        courses, self._few, self._some = part
        self._order, self._moment, self._slots, self._asked = order, moment, slots, asked
        self._courses = courses.none() if self._few and not self._few.values else courses.order_by()

    @cached_property
    def _rows(self) -> QuerySet:
        found = self._slots.narrow(self._courses) if self._slots else self._courses
        fits = ("fits_at",) if self._slots else ()
        return found.values_list("pk", "next_starts_at", "created_at", *fits)

    @property
    def at_least(self) -> int:
        return MOST + 1 if self._are_many else len(self._found)

    def rows(self, start: int, stop: int) -> list[Row]:
        """No more is read if what is shown is among those that were found."""
        if self._are_many:
            rows = self._part(start, stop)
            if len(rows) == stop - start:
                return rows
            self._are_many = False
        are_found = not self.has_more or self._few or (self._slots and not self._order)
        return self._all()[start:stop] if are_found else self._part(start, stop)

    @cached_property
    def _are_many(self) -> bool:
        return bool(_many.get(self._asked))

    @cached_property
    def _found(self) -> list[Row]:
        """Those that are counted, and one more if there is, as the database finds them soonest."""
        if self._few:
            return self._noted(_read(self._sorted(self._rows, self._by)[: MOST + 1]))
        if self._slots:
            return self._fitting(self._slots)
        return self._noted(_read(self._first(self._rows, MOST + 1)))

    def _noted(self, found: list[Row]) -> list[Row]:
        if len(found) > MOST:
            _many.put(self._asked, True)
        else:
            _many.drop(self._asked)
        return found

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
        return self._noted(self._soonest(slots, 0, MOST + 1))

    def _soonest(self, slots: Slots, start: int, stop: int) -> list[Row]:
        sessions = slots.soonest(self._courses).values_list("course", "starts_at")[start:stop]
        return [Row(key, at, fits_at=at) for key, at in sessions]

    def _all(self) -> list[Row]:
        is_sorted = self._few if self._order else self._slots
        if is_sorted:
            return self._found
        if not self._order:
            later = self._moment.later
            rows = (
                row._replace(starts_at=later.get(row.key, row.starts_at)) for row in self._found
            )
            return sorted(rows, key=_when)
        found = {row.key: row for row in self._found}
        ordered = Course.objects.filter(pk__in=found).order_by(*self._order)
        return [found[key] for key in ordered.values_list("pk", flat=True)]

    def _part(self, start: int, stop: int) -> list[Row]:
        """In an order of the database's, or by what comes next.

        Then those that are kept come as an index gives them, with the few others merged.
        """
        if self._order or (self._few and self._slots):
            return self._sorted_part(self._rows, self._by, start, stop)
        if self._slots:
            return self._soonest(self._slots, start, stop)
        kept, later = self._rows, self._moment.later
        if self._moment.passed:
            kept = kept.filter(next_starts_at__gt=self._moment.now)
        moved = _read(self._sorted(self._rows.filter(pk__in=later), NEXT)) if later else []
        others = [row._replace(starts_at=later[row.key]) for row in moved]
        first = max(start - len(others), 0)
        rows = self._sorted_part(kept, NEXT, first, stop)
        if self._few and len(rows) < stop - first:
            # What others come after may be missing.
            return []
        rows = sorted([*rows, *others], key=_when)
        return rows[start - first : stop - first]

    @property
    def _by(self) -> Sequence[str | OrderBy]:
        """What the database sorts by, if all are sorted."""
        return self._order or _next(self._moment, self._slots)

    def _sorted_part(
        self, rows: QuerySet, order: Sequence[str | OrderBy], start: int, stop: int
    ) -> list[Row]:
        """Of few, those of the first that meet all that is asked: perhaps too few of them."""
        names = [name for name in order if isinstance(name, str)]
        if self._few and len(names) == len(order):
            first = queries.among_first(self._few, names, 2 * stop + SPARE)
            return _read(_unindexed(rows.filter(first), order)[start:stop])
        return _read(self._sorted(rows, order)[start:stop])

    def _sorted(self, rows: QuerySet, order: Sequence[str | OrderBy]) -> QuerySet:
        return _unindexed(rows.filter(self._few), order) if self._few else rows.order_by(*order)


def best_first(
    search: Search, part: Part, moment: Moment, slots: Slots | None, asked: Hashable
) -> Found:
    """First those that meet most words outside their description, if any differ in that."""
    best = search.best()
    if not best:
        return FoundCourses(part, (), moment, slots, asked=asked)
    if part.few:
        return FoundCourses(part, (*best, *_next(moment, slots)), moment, slots, asked=asked)
    ranks = enumerate(search.ranks(part))
    return RankedCourses(
        [FoundCourses(one, (), moment, slots, asked=(asked, place)) for place, one in ranks]
    )


def _next(moment: Moment, slots: Slots | None) -> Sequence[str | OrderBy]:
    """By what comes next, or fits, as the database sorts those that are few."""
    return (OrderBy(F("fits_at") if slots else moment.next_start()), *NEWEST)


def _when(row: Row) -> tuple[datetime, float, int]:
    created = row.created_at.timestamp() if row.created_at else 0
    return row.fits_at or row.starts_at, -created, -row.key.int


def _unindexed(rows: QuerySet, order: Sequence[str | OrderBy]) -> QuerySet:
    """All of them, and then sorted: in an index's order the database might look for them."""
    return rows.order_by(queries.unindexed(order[0]), *order[1:])


def _read(rows: QuerySet) -> list[Row]:
    return [Row(*row) for row in rows]
