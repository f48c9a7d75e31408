"""What teachers send to plan or move many sessions: the rule, and the rows of its preview."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self

from django import forms
from django.conf import settings
from django.utils import timezone

from common.forms import LongTextField, RefusableForm, WholeNumberField
from common.numbers import whole_number
from courses.models import MAX_SESSION_MINUTES, CourseSession
from enrollments.errors import StartInPast, TooManySessions
from enrollments.services.timetable import NewSession
from teaching.forms import (
    AS_SHOWN,
    FURTHEST_START,
    StartField,
    check_reach,
    length_field,
    reason_field,
)
from teaching.schedules import Schedule, Slot

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKS = ((1, "Every week"), (2, "Every 2 weeks"), (3, "Every 3 weeks"), (4, "Every 4 weeks"))
# With a year, and without: then it is the next such day of the schedule.
FULL_DAYS, DAYS_OF_A_YEAR = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y"), ("%d %b %Y", "%d %B %Y")
WEEK = timedelta(weeks=1)
ROW = ("title", "starts_at", "duration_minutes")


class PlainField(forms.Field):
    """Takes the digits that browsers send."""

    def to_python(self, value: Any) -> Any:
        if not str(value).isascii():
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class PlainDateField(PlainField, forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PlainTimeField(PlainField, forms.TimeField):
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class ScheduleForm(RefusableForm):
    """Sessions by a rule; `room` is for how many more of them the course has room."""

    first = PlainDateField(label="First day")
    every = forms.TypedChoiceField(label="How often", choices=WEEKS, coerce=int, initial=1)
    duration_minutes = length_field()
    count = WholeNumberField(
        label="Number of sessions",
        required=False,
        min_value=1,
        max_value=1000,
        help_text="Skipped days move to the end.",
    )
    last = PlainDateField(label="Or until", required=False, help_text="The last possible day.")
    skipped = LongTextField(
        label="Days to skip",
        rows=2,
        max_length=5000,
        required=False,
        help_text="Separated by commas, such as 16 Feb, 2027-03-25.",
    )
    titles = LongTextField(
        label="Titles",
        rows=6,
        max_length=50_000,
        required=False,
        help_text="One per line. Without them, sessions are called Session 1, Session 2 and so on.",
    )

    def __init__(self, *sent: Any, room: int) -> None:
        super().__init__(*sent)
        self.room = room
        for number, day in enumerate(DAYS):
            self.fields[f"day_{number}"] = PlainTimeField(label=day, required=False)

    def days(self) -> list[forms.BoundField]:
        return [self[f"day_{number}"] for number in range(len(DAYS))]

    def clean_first(self) -> date:
        first: date = self.cleaned_data["first"]
        today = timezone.localdate()
        if not today <= first <= today + FURTHEST_START:
            raise forms.ValidationError("Choose a day within the next five years.")
        return first

    def clean_titles(self) -> list[str]:
        lines = [" ".join(line.split()) for line in self.cleaned_data["titles"].splitlines()]
        titles = [line for line in lines if line]
        if long := next((title for title in titles if len(title) > 200), None):
            raise forms.ValidationError(f"“{long[:30]}…” is longer than 200 characters.")
        return titles

    def clean(self) -> None:
        if self.errors:
            return
        typed = self.cleaned_data
        times = {day: typed[f"day_{day}"] for day in range(len(DAYS)) if typed[f"day_{day}"]}
        if not times:
            self.add_error(None, "Give a time to at least one day of the week.")
        count = typed["count"]
        if not (count or typed["last"]):
            count = len(typed["titles"])  # as many as there are titles
        if bool(count) == bool(typed["last"]):
            self.add_error("count", "Choose a number of sessions or a last day.")
        skipped = self._skipped(typed["first"])
        if not self.errors:
            schedule = Schedule(
                typed["first"], times, typed["every"], typed["last"], count, skipped
            )
            self.starts = self._starts(schedule)

    def _skipped(self, first: date) -> set[date]:
        said = self.cleaned_data["skipped"].replace("\n", ",").split(",")
        found = {text.strip(): _day(text.strip(), first) for text in said if text.strip()}
        if unclear := [text for text, day in found.items() if day is None]:
            self.add_error("skipped", f"We can't read “{unclear[0][:30]}” as a day.")
        return {day for day in found.values() if day}

    def _starts(self, schedule: Schedule) -> list[datetime]:
        starts = schedule.starts(self.room + 1)
        if not starts:
            self.add_error("last", "No session falls between these days.")
        if len(starts) > self.room:
            self.add_error("count", str(TooManySessions(limit=settings.MAX_SESSIONS_PER_COURSE)))
        return starts

    def rows(self, number: int) -> "Rows":
        """The planned sessions; `number` is that of the first."""
        titles, length = self.cleaned_data["titles"], self.cleaned_data["duration_minutes"]
        untitled = (f"Session {number + place}" for place in range(len(titles), len(self.starts)))
        named = zip([*titles, *untitled], self.starts, strict=False)
        return Rows(_row(title, start, length) for title, start in named)


def _check_ahead(starts_at: datetime) -> datetime:
    if check_reach(starts_at) <= timezone.now():
        raise forms.ValidationError(str(StartInPast()))
    return starts_at


def _day(text: str, first: date) -> date | None:
    """The day that somebody typed; without a year, the first such day from `first` on."""
    tries = [(text, form) for form in FULL_DAYS] if text.isascii() else []
    for year in (first.year, first.year + 1) if text.isascii() else ():
        tries += [(f"{text} {year}", form) for form in DAYS_OF_A_YEAR]
    for said, form in tries:
        try:
            day = datetime.strptime(said, form).date()  # noqa: DTZ007, a day has no zone
        except ValueError:
            continue
        if said == text or day >= first:
            return day
    return None


def _row(title: str, start: datetime, minutes: int) -> dict[str, str]:
    return dict(zip(ROW, (title, start.strftime(AS_SHOWN), str(minutes)), strict=True))


class RowForm(forms.Form):
    """One session of the preview."""

    title = forms.CharField(max_length=200)
    starts_at = StartField()
    duration_minutes = WholeNumberField(min_value=1, max_value=MAX_SESSION_MINUTES)

    def __init__(self, row: Mapping[str, str], place: int) -> None:
        sent = {f"{place}-{name}": row[name] for name in ROW}
        super().__init__(sent, prefix=str(place), use_required_attribute=False)
        for name, label in zip(ROW, ("Title", "Start", "Minutes"), strict=True):
            self.fields[name].widget.attrs["aria-label"] = f"{label} {place + 1}"

    def clean_starts_at(self) -> datetime:
        return _check_ahead(self.cleaned_data["starts_at"])

    @property
    def slot(self) -> Slot | None:
        """Its time, unless that is wrong."""
        self.is_valid()
        typed = self.cleaned_data
        if not {"starts_at", "duration_minutes"} <= typed.keys():
            return None
        return Slot(typed["starts_at"], typed["duration_minutes"])


class Rows:
    """The sessions of a preview, as they are planned or as its page sent them back."""

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        self.raw = list(rows)
        self.forms = [RowForm(row, place) for place, row in enumerate(self.raw)]

    @classmethod
    def sent(cls, data: Mapping[str, str]) -> Self:
        """Those of the page that are not to be left out."""
        try:
            number = min(whole_number(data.get("rows", "")), settings.MAX_SESSIONS_PER_COURSE)
        except ValueError:
            number = 0
        kept = (place for place in range(number) if not data.get(f"{place}-out"))
        return cls([{name: data.get(f"{n}-{name}", "") for name in ROW} for n in kept])

    def and_another(self) -> "Rows":
        """With one more, a week after the last."""
        last = self.raw[-1] if self.raw else dict.fromkeys(ROW, "")
        try:
            start = datetime.strptime(last["starts_at"], AS_SHOWN)  # noqa: DTZ007, of the wall
            return Rows([*self.raw, _row("", start + WEEK, 60) | {ROW[2]: last[ROW[2]]}])
        except (ValueError, OverflowError):
            return Rows([*self.raw, dict.fromkeys(ROW, "")])

    @property
    def slots(self) -> list[Slot | None]:
        return [form.slot for form in self.forms]

    def are_valid(self) -> bool:
        return bool(self.forms) and all(form.is_valid() for form in self.forms)

    def new(self) -> list[NewSession]:
        """The sessions to add, once they are valid."""
        return [NewSession(**form.cleaned_data) for form in self.forms]


@dataclass(frozen=True, slots=True)
class Move:
    """A session, and where it would go; or the `problem` with that."""

    session: CourseSession
    starts_at: datetime | None
    problem: str = ""

    @property
    def slot(self) -> Slot | None:
        return Slot(self.starts_at, self.session.duration_minutes) if self.starts_at else None


class MoveForm(RefusableForm):
    """All sessions to come at once: some weeks later, on another day of the week, at another time.

    If students have `booked` any, they are told why.
    """

    weeks = WholeNumberField(label="Weeks later", min_value=0, max_value=52, initial=1)
    day = forms.TypedChoiceField(
        label="Day of the week",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "The same as now"), *enumerate(DAYS)],
    )
    at = PlainTimeField(
        label="Time", required=False, help_text="Leave empty to keep each session's own time."
    )
    reason = reason_field()

    def __init__(self, *sent: Any, booked: bool) -> None:
        super().__init__(*sent)
        self.fields["reason"].label = "Why are they moving?"
        if not booked:
            del self.fields["reason"]

    def clean(self) -> None:
        typed = self.cleaned_data
        if not self.errors and not typed["weeks"] and typed["day"] is None and not typed["at"]:
            self.add_error("weeks", "Choose where they move to.")

    def moves(self, sessions: Sequence[CourseSession]) -> list[Move]:
        """Where these would go, by the teacher's clock."""
        return [self._move(session) for session in sessions]

    def _move(self, session: CourseSession) -> Move:
        typed, now = self.cleaned_data, timezone.localtime(session.starts_at)
        day = now.weekday() if typed["day"] is None else typed["day"]
        by = timedelta(weeks=typed["weeks"], days=day - now.weekday())
        return _moved(session, by, typed["at"])


class CopyForm(RefusableForm):
    """A course again: `sessions` are those to copy, in order."""

    first = PlainDateField(
        label="First session on",
        help_text="The other sessions keep the same gaps and times of day.",
    )

    def __init__(self, *sent: Any, sessions: Sequence[CourseSession]) -> None:
        super().__init__(*sent)
        self.sessions = sessions
        if not sessions:
            del self.fields["first"]

    def clean(self) -> None:
        self.moves: list[Move] = []
        if self.errors or not self.sessions:
            return
        by = self.cleaned_data["first"] - timezone.localdate(self.sessions[0].starts_at)
        self.moves = [_moved(session, by) for session in self.sessions]
        if problem := next((move.problem for move in self.moves if move.problem), ""):
            self.add_error("first", problem)


def _moved(session: CourseSession, by: timedelta, at: time | None = None) -> Move:
    """A session so many days from where it is, by the teacher's clock."""
    now = timezone.localtime(session.starts_at)
    try:
        wall = datetime.combine(now.date() + by, at or now.time())
        return Move(session, _check_ahead(StartField().clean(wall.strftime(AS_SHOWN))))
    except OverflowError:
        return Move(session, None, "Choose a start within the next five years.")
    except forms.ValidationError as error:
        return Move(session, None, " ".join(error.messages))
