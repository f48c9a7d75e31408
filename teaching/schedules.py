"""When the sessions of a course are, by a rule: on the clock of the wall, which has no zone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from heapq import merge
from itertools import islice, takewhile

from dateutil.rrule import WEEKLY, rrule

from accounts.models import User
from courses.models import MAX_SESSION_MINUTES, CourseSession

LONGEST = timedelta(minutes=MAX_SESSION_MINUTES)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Some days of the week (0 is Monday), each at its own time, every so many weeks.

    From the `first` day to the `last`, or for a `count` of sessions; days that are skipped are then
    made up for at the end.
    """

    first: date
    times: Mapping[int, time]
    every: int = 1
    last: date | None = None
    count: int | None = None
    skipped: Collection[date] = ()

    def starts(self, most: int) -> list[datetime]:
        """The starts in order, without a zone, but no more than `most`.

        A zone comes afterwards: `rrule` would give 02:30 on the night that has none.
        """
        planned = merge(*(self._each(day, at) for day, at in self.times.items()))
        kept = (start for start in planned if start.date() not in self.skipped)
        within = takewhile(lambda start: self.last is None or start.date() <= self.last, kept)
        return list(islice(within, most if self.count is None else min(self.count, most)))

    def _each(self, day: int, at: time) -> rrule:
        first = datetime.combine(self.first, at)
        return rrule(WEEKLY, dtstart=first, interval=self.every, byweekday=day)


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that a session would take."""

    starts_at: datetime
    minutes: int

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)

    def meets(self, other: "Slot | CourseSession") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def overlaps(
    teacher: User, slots: Sequence[Slot | None], moving: Collection[CourseSession] = ()
) -> list[list[CourseSession | None]]:
    """What each slot overlaps: the teacher's sessions to come, and None for another slot.

    Not the sessions that are `moving`, which leave their place. One statement.
    """
    known = [slot for slot in slots if slot]
    if not known:
        return [[] for _ in slots]
    taught = CourseSession.objects.filter(
        course__teacher=teacher,
        status__in=CourseSession.OPEN,
        starts_at__gt=min(slot.starts_at for slot in known) - LONGEST,
        starts_at__lt=max(slot.ends_at for slot in known),
    )
    theirs = taught.exclude(pk__in=[session.pk for session in moving]).select_related("course")
    sessions = list(theirs.order_by("starts_at"))
    return [_met_by(slot, sessions, known) if slot else [] for slot in slots]


def _met_by(
    slot: Slot, sessions: Sequence[CourseSession], slots: Sequence[Slot]
) -> list[CourseSession | None]:
    met: list[CourseSession | None] = [session for session in sessions if slot.meets(session)]
    others = (other for other in slots if other is not slot and slot.meets(other))
    return [*met, None] if next(others, None) else met
