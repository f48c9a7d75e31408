"""What people type into forms: numbers and times, in plain digits only; time zones; long text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.errors import DomainError, InvalidAmount
from common.money import parse_amount, parse_sum
from common.numbers import whole_number
from common.shapes import Json
from common.zones import all_in_words, find_zone, in_words

# The cleaned input of a form.
Cleaned = dict[str, Any]


class RefusableForm(forms.Form):
    """Shows the refusal of its service, next to the field that it is about, if any."""

    about: ClassVar[dict[str, str]] = {}
    refusal: DomainError | None = None

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Refusals that the service raises become errors of this form."""
        try:
            yield
        except forms.ValidationError as error:
            self.add_error(None, error)
        except DomainError as error:
            self.refusal = error
            self.refuse(error.body())

    def refuse(self, refusal: Json) -> None:
        """Add a refusal, in the form of the API's body, to the errors."""
        code, said = refusal["code"], refusal["message"]
        self.add_error(self.about.get(code), forms.ValidationError(said, code=code))


class LongTextField(forms.CharField):
    """Text of several lines, each ended by one character.

    Browsers count them so when they keep to `maxlength`, and yet send two.
    """

    def __init__(self, *, rows: int, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), **options)

    def to_python(self, value: object) -> str | None:
        text = super().to_python(value)
        return text and text.replace("\r\n", "\n")


class AmountField(forms.CharField):
    """An amount in credits, by the rules of the API; None when empty."""

    parse = staticmethod(parse_amount)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        hints = {"inputmode": "decimal", "autocomplete": "off", "maxlength": "11"}
        self.widget.attrs.update(hints)

    def to_python(self, value: object) -> Decimal | None:  # type: ignore[override]
        text = super().to_python(value)
        try:
            return self.parse(text) if text else None
        except InvalidAmount as error:
            raise forms.ValidationError(str(error), code=error.code) from error


class SumField(AmountField):
    """The same, but zero is allowed."""

    parse = staticmethod(parse_sum)


class WholeNumberField(forms.IntegerField):
    """A number without a fraction."""

    def to_python(self, value: object) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return whole_number(str(value).strip())
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


class PlainMomentField(forms.SplitDateTimeField):
    """A day and a time, of two inputs."""

    def clean(self, value: Sequence[object] | None) -> datetime | None:
        if not all(str(part).isascii() for part in value or ()):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().clean(value)


class ZoneInput(forms.TextInput):
    """A text, for which every place is proposed."""

    def render(self, name: str, value: object, *args: Any, **kwargs: Any) -> SafeString:
        places = format_html_join("", '<option value="{}">', ((words,) for words in all_in_words()))
        typed = super().render(name, value, *args, **kwargs)
        return format_html('{}<datalist id="places">{}</datalist>', typed, places)


class ZoneField(forms.CharField):
    """The name of a time zone, of the words of one of the places, a city or the name itself."""

    widget = ZoneInput
    default_error_messages = {
        "unknown": "Choose a place from the list, such as “Madrid, Spain”.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100, **options)
        self.widget.attrs |= {"list": "places", "autocomplete": "off", "spellcheck": "false"}

    def to_python(self, value: object) -> str | None:
        text = super().to_python(value)
        zone = find_zone(text) if text else text
        if zone is None:
            raise forms.ValidationError(self.error_messages["unknown"], code="unknown")
        return zone

    def prepare_value(self, value: object) -> object:
        return in_words(value) if isinstance(value, str) else value


class PlainSelect(forms.Select):
    """A choice written at once: Django renders a template for each option."""

    def render(
        self, name: str, value: object, attrs: Json | None = None, renderer: object = None
    ) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        options = (option for _, group, _ in widget["optgroups"] for option in group)
        told = ((one["value"], _told(one["attrs"]), one["label"]) for one in options)
        choices = format_html_join("\n", '<option value="{}"{}>{}</option>', told)
        return format_html(
            '<select name="{}"{}>{}</select>', name, flatatt(widget["attrs"]), choices
        )


def _told(attrs: Json) -> str:
    """Most options have none."""
    return flatatt(attrs) if attrs else ""
