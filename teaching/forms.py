"""What teachers type: a course, a session, the word that calls a session off."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django import forms
from django.utils import formats, timezone

from common.formats import counted
from common.forms import AmountField, Cleaned, LongTextField, RefusableForm, WholeNumberField
from common.pictures import PictureField
from courses import lists
from courses.models import LONGEST_ANNOUNCEMENT, MAX_SESSION_MINUTES, Course, CourseSession
from enrollments.services.sessions import WHEN, Refunds, refunds_changed

PICTURE_SIZE = (1280, 720)
# Nobody sells further ahead; a slip of the finger in the year does.
FURTHEST_START = timedelta(days=5 * 365)
AS_SHOWN = "%Y-%m-%dT%H:%M"

LONGEST_DESCRIPTION = 5000
# What a new course's description begins with; left alone, it counts as none.
HEADINGS = "### What you'll learn\n\n\n### Who it's for\n\n\n### What to bring"


class EditableForm(RefusableForm):
    """A form for something new, or for what is there: then an old page overwrites nothing else."""

    def show(self, **values: Any) -> None:
        """Start from these values; the page sends them back, so that it knows its own changes."""
        self.initial = values
        for name in values:
            self.fields[name].show_hidden_initial = True

    def changes(self) -> Cleaned:
        """What was typed other than the page showed."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class HiddenStart(forms.DateTimeInput):
    """In the words of the field that is seen, so that the two can be compared."""

    input_type = "hidden"

    def __init__(self, attrs: dict[str, str] | None = None) -> None:
        super().__init__(attrs, format=AS_SHOWN)


class StartField(forms.DateTimeField):
    """A start in the teacher's own zone. What the clock skips or shows twice is refused.

    Only what was typed: `shown`, the text of a start that is there, still means that `start`.
    """

    shown: str | None = None
    start: datetime | None = None
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=AS_SHOWN)
    hidden_widget = HiddenStart

    def to_python(self, value: str | datetime | date | None) -> datetime | None:
        if self.shown and value == self.shown:
            return self.start
        if not str(value).isascii():
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        try:
            return super().to_python(value)
        except forms.ValidationError as error:
            if error.code == "ambiguous_timezone" and error.params:
                raise forms.ValidationError(_why_not(**error.params), code=error.code) from error
            raise


def _why_not(datetime: datetime, current_timezone: tzinfo) -> str:
    """Why this local time is none, or two: seen from the hour after a gap, or within an overlap."""
    seen = (datetime.replace(tzinfo=current_timezone, fold=fold) for fold in (0, 1))
    early, late = (local.utcoffset() or timedelta() for local in seen)
    day, hour = formats.date_format(datetime, "j M Y"), f"{datetime:%H:%M}"
    if early < late:
        return (
            f"On {day} there is no {hour} in {current_timezone}: the clocks go forward. "
            "Choose a time after the change."
        )
    return (
        f"On {day} it is {hour} twice in {current_timezone}: the clocks go back. "
        "Choose a time before or after the change."
    )


def check_reach(starts_at: datetime) -> datetime:
    """The start, unless it is so far ahead that it must be a slip of the finger."""
    if starts_at > timezone.now() + FURTHEST_START:
        raise forms.ValidationError("Choose a start within the next five years.")
    return starts_at


def reason_field() -> LongTextField:
    """Why a session that students have booked changes."""
    return LongTextField(
        rows=3,
        max_length=500,
        help_text="We'll send this to the students who booked.",
    )


def length_field() -> WholeNumberField:
    """How long a session is."""
    return WholeNumberField(
        label="Length",
        min_value=1,
        max_value=MAX_SESSION_MINUTES,
        initial=60,
        help_text="In minutes.",
    )


class ListedField(forms.CharField):
    """A word of a list, however it is typed.

    Not every browser shows the list that goes with a field, so a refusal names a short one.
    """

    most_named = 40

    def __init__(self, listed: Callable[[], list[str]], **more: Any) -> None:
        super().__init__(max_length=50, **more)
        self.listed = listed

    def clean(self, value: object) -> str:
        text: str = super().clean(value)
        listed = self.listed()
        if (spelled := lists.as_listed(text, listed)) is None:
            some = f"of these: {', '.join(listed)}" if len(listed) <= self.most_named else ""
            said = f"Choose one {some or 'from the list'}."
            raise forms.ValidationError(said, code="invalid_choice")
        return spelled


def picture_field(**more: Any) -> PictureField:
    """The picture of a course."""
    return PictureField(
        size=PICTURE_SIZE,
        label="Picture",
        required=False,
        help_text="JPEG, PNG or WebP, at most 2 MB. It is shown in 16:9. "
        "Without one, we show an illustration for the category.",
        **more,
    )


class CourseForm(EditableForm):
    about = {"seats_taken": "max_students", "not_stored": "thumbnail"}

    title = forms.CharField(max_length=200)
    description = LongTextField(
        rows=12,
        max_length=LONGEST_DESCRIPTION,
        required=False,
        help_text="Markdown: ### for a heading, **bold**, *italic*, - for a list, "
        "[words](https://…) for a link.",
    )
    language = ListedField(
        lists.languages,
        widget=forms.TextInput(attrs={"list": "languages"}),
        help_text="The language you teach in.",
    )
    level = forms.ChoiceField(choices=Course.Level.choices)
    category = ListedField(
        lists.categories,
        widget=forms.TextInput(attrs={"list": "categories"}),
        help_text="Choose one from the list.",
    )
    thumbnail = picture_field()
    remove_picture = forms.BooleanField(label="Remove this picture", required=False)
    price_full_course = AmountField(label="Full course", required=False)
    price_per_session = AmountField(label="One session", required=False)
    max_students = WholeNumberField(
        label="Seats",
        required=False,
        min_value=1,
        max_value=100_000,
        help_text="How many students each session can take. Leave empty for no limit.",
    )
    by_link_only = forms.BooleanField(
        label="By link only",
        required=False,
        help_text="The course isn't listed, and search engines leave it out. "
        "Anyone who has its link can see and buy it.",
    )
    categories = staticmethod(lists.categories)
    languages = staticmethod(lists.languages)

    def __init__(self, *sent: Any, course: Course | None = None) -> None:
        super().__init__(*sent)
        if course:
            names = self.fields.keys() - {"thumbnail", "remove_picture"}
            self.show(**{name: getattr(course, name) for name in names})
        else:
            self.fields["description"].initial = HEADINGS

    def changes(self) -> Cleaned:
        changes = super().changes()
        if changes.pop("remove_picture", False):
            changes.setdefault("thumbnail", "")
        return changes


class SessionForm(EditableForm):
    about = {"start_in_past": "starts_at", "session_started": "starts_at"}

    title = forms.CharField(max_length=200)
    starts_at = StartField(label="Date and time")
    duration_minutes = length_field()
    description = LongTextField(
        rows=4,
        max_length=5000,
        required=False,
        help_text="What this session is about and how to prepare.",
    )

    reason = reason_field()

    def __init__(
        self, *sent: Any, session: CourseSession | None = None, booked: bool = False
    ) -> None:
        """For a new session, or for `session`, which once started keeps its time.

        Moving one that students have `booked` takes a reason.
        """
        super().__init__(*sent)
        zone = timezone.get_current_timezone_name()
        self.fields["starts_at"].help_text = f"In your time zone, {zone}."
        if session:
            self.show(**{name: getattr(session, name) for name in self.fields.keys() - {"reason"}})
            self._keep_start(session.starts_at)
        started = session is not None and session.has_started()
        for name in WHEN:
            self.fields[name].disabled = started
        self.fields["reason"].label = "Why does it move?"
        self.fields["reason"].required = False
        if started or not booked:
            del self.fields["reason"]

    def _keep_start(self, start: datetime) -> None:
        """A time left alone counts as unchanged, though the page shows no seconds and no zone."""
        field = self.fields["starts_at"]
        assert isinstance(field, StartField)
        field.start = self.initial["starts_at"] = start.replace(second=0, microsecond=0)
        field.shown = self.data.get(self.add_initial_prefix("starts_at"))

    def clean_starts_at(self) -> datetime:
        return check_reach(self.cleaned_data["starts_at"])

    def clean(self) -> None:
        moves = not set(self.changed_data).isdisjoint(WHEN)
        if moves and "reason" in self.fields and not self.cleaned_data.get("reason"):
            self.add_error("reason", "Tell your students why you move it.")


class CancelSessionForm(RefusableForm):
    """Calling a session off; where somebody gets money back, only after typing how many do.

    If students have `booked` it, they are told why.
    """

    reason = reason_field()
    confirmation = forms.CharField(
        max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, *sent: Any, due: Refunds, booked: bool) -> None:
        super().__init__(*sent)
        self.due = due
        self.fields["reason"].label = "Why is it cancelled?"
        if not booked:
            del self.fields["reason"]
        if due.students:
            self.fields["confirmation"].label = f"To confirm, type: {self.phrase}"
        else:
            del self.fields["confirmation"]

    @property
    def phrase(self) -> str:
        return f"refund {counted(self.due.students, 'student')}"

    def clean_confirmation(self) -> str:
        typed = " ".join(self.cleaned_data["confirmation"].lower().split())
        if typed != self.phrase:
            raise forms.ValidationError(f"Type exactly: {self.phrase}")
        return typed

    def clean(self) -> None:
        if self.data.get("expected") != self.due.told:
            raise forms.ValidationError(str(refunds_changed(self.due)))


class AnnouncementForm(RefusableForm):
    """What a teacher writes to those who booked."""

    text = LongTextField(
        label="Your message",
        rows=8,
        max_length=LONGEST_ANNOUNCEMENT,
        help_text="Students get it as a notice and by email, and can read it on the course page.",
    )
