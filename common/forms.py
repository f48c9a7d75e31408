"""Numbers and times that people type into forms: in plain digits alone."""

from typing import Any

from django import forms

from common.errors import InvalidAmount
from common.money import parse_amount, parse_sum
from common.numbers import whole_number


class AmountField(forms.CharField):
    """An amount in credits, by the rules of the API; None when empty."""

    parse = staticmethod(parse_amount)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        hints = {"inputmode": "decimal", "autocomplete": "off", "maxlength": "11"}
        self.widget.attrs.update(hints)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return self.parse(text) if text else None
        except InvalidAmount as error:
            raise forms.ValidationError(str(error), code=error.code) from error


class SumField(AmountField):
    """The same, where nothing is a sum as well."""

    parse = staticmethod(parse_sum)


class WholeNumberField(forms.IntegerField):
    """A number without a fraction."""

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return whole_number(str(value).strip())
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


class PlainMomentField(forms.SplitDateTimeField):
    """A day and a time, of two inputs."""

    def clean(self, value: Any) -> Any:
        if not all(str(part).isascii() for part in value or ()):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().clean(value)
