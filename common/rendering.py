"""Rendering answers: what a serializer decides for every object is decided once for its class."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, partial
from operator import attrgetter, itemgetter
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.db.models import Manager, Model
from django.db.models.fields.files import FieldFile
from rest_framework import serializers
from rest_framework.fields import empty

from common.shapes import Json

Convert = Callable[[Any], object]


class Rendered(serializers.Serializer):
    """A serializer for answers. Its fields say what to show; a plan made from them does the work.

    Django REST framework creates the fields again for every nested object, and asks each field
    about every value: more work than the database has with the rows.
    """

    def to_representation(self, instance: object) -> Json:
        return render(type(self), instance)


class Money(serializers.DecimalField):
    """An amount in credits, as a string with two decimals."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=12, decimal_places=2, **options)


class RenderedModel(Rendered, serializers.ModelSerializer):
    """A model serializer for answers.

    If an object isn't the row itself but contains it, `Meta.row` says where, and `Meta.beside`
    which fields the object has besides it.
    """


def render(form: type[serializers.Serializer], instance: object) -> Json:
    """The JSON of one object, or of a dict that names the same things."""
    plan = plan_of(form, keyed=isinstance(instance, dict))
    return {
        name: convert(read(instance)) if convert else read(instance) for name, read, convert in plan
    }


@cache
def plan_of(
    form: type[serializers.Serializer], *, keyed: bool
) -> Sequence[tuple[str, Convert, Convert | None]]:
    """For each field: its name, what reads it from an object, and what converts the value to JSON.

    None if it is JSON already.
    """
    meta = getattr(form, "Meta", None)
    row, beside = getattr(meta, "row", ""), getattr(meta, "beside", ())
    return [
        (name, _reader(field, "" if name in beside else row, keyed=keyed), _converter(field))
        for name, field in form().fields.items()
        if not field.write_only
    ]


def _reader(field: serializers.Field, row: str, *, keyed: bool) -> Convert:
    source = field.source or ""
    if source == "*":
        return lambda instance: instance
    if field.default is not empty:
        return lambda instance: getattr(instance, source, field.default)
    if not keyed:
        return attrgetter(f"{row}.{source}" if row else source)
    key, _, rest = source.partition(".")
    if not rest:
        return itemgetter(key)
    return lambda instance: attrgetter(rest)(instance[key])


def _converter(field: serializers.Field) -> Convert | None:
    convert = _converter_of_value(field)
    if convert is None or not field.allow_null:
        return convert
    return lambda value: None if value is None else convert(value)


def _converter_of_value(field: serializers.Field) -> Convert | None:
    if isinstance(field, AS_IT_IS):
        return None
    for kind, converter in CONVERTERS:
        if isinstance(field, kind):
            return converter(field)
    raise TypeError(f"{field.parent}: nothing renders {field}")


def _rows(
    form: type[serializers.Serializer], rows: Manager[Model] | Iterable[object]
) -> list[Json]:
    return [render(form, row) for row in (rows.all() if isinstance(rows, Manager) else rows)]


def _fixed(places: int, value: Decimal) -> str:
    return f"{value:.{places}f}"


def _utc(value: datetime) -> str:
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return f"{value.replace(tzinfo=None).isoformat()}Z"


def _address(picture: FieldFile) -> str | None:
    """On this site, whatever host the request named."""
    return urljoin(settings.SITE_URL, picture.url) if picture else None


AS_IT_IS = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.BooleanField,
    serializers.ChoiceField,
)
# How to make the converter of a field; a list is a serializer too, so it comes first.
CONVERTERS: Sequence[tuple[type[Any], Callable[[Any], Convert]]] = (
    (serializers.SerializerMethodField, lambda field: getattr(field.parent, field.method_name)),
    (serializers.ListSerializer, lambda field: partial(_rows, type(field.child))),
    (serializers.Serializer, lambda field: partial(render, type(field))),
    (serializers.DecimalField, lambda field: partial(_fixed, field.decimal_places)),
    (serializers.DateTimeField, lambda _: _utc),
    (serializers.ImageField, lambda _: _address),
    (serializers.UUIDField, lambda _: str),
)
