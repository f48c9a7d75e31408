"""How pages write amounts, times and addresses; loaded into every template."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import idna
from django import template
from django.forms import BaseForm, BoundField
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from uuid_utils.compat import uuid7

register = template.Library()

# A word joiner, so that `18:00–19:00` is never split over two lines.
_STAY = "\u2060"


@register.filter
def money(amount: Decimal | None) -> str:
    """An amount in credits as `$1,234.50`, `-$3.00`; nothing for None."""
    if amount is None:
        return ""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def counted(number: int, thing: str) -> str:
    """`1 session`, `7 sessions`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """`5 MB`, `64 KB`, of a number of bytes."""
    units = number // 1024
    return f"{units // 1024} MB" if units >= 1024 else f"{units} KB"


def wait(seconds: int) -> str:
    """`7 seconds`, `about 4 minutes`, `about 2 hours`: never less than it takes."""
    if seconds < 60:
        return counted(seconds, "second")
    minutes = -(-seconds // 60)
    if minutes < 60:
        return f"about {'a minute' if minutes == 1 else f'{minutes} minutes'}"
    hours = -(-minutes // 60)
    return f"about {'an hour' if hours == 1 else f'{hours} hours'}"


@register.filter
def wrong_fields(form: BaseForm) -> list[BoundField]:
    """The visible fields of a form whose input was refused."""
    return [field for field in form.visible_fields() if field.errors]


@register.filter
def moment(value: datetime | None) -> str:
    """`Tue 1 Dec 2026, 18:00 CET`: a time in the reader's zone, with the zone named."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    return f"{_day(local.date())}, {local:%H:%M} {_zone(local)}"


@register.filter
def until(start: datetime, minutes: int) -> str:
    """`Tue 1 Dec 2026, 18:00–19:00 CET`: a start, and the minutes that it lasts."""
    local = timezone.localtime(start)
    end = timezone.localtime(start + timedelta(minutes=minutes))
    day = "" if end.date() == local.date() else f"{formats.date_format(end, 'D j M')}, "
    began = f"{_day(local.date())}, {local:%H:%M}"
    return f"{began}–{_STAY}{day}{end:%H:%M} {_zone(end)}"


@lru_cache(maxsize=1000)
def _day(day: date) -> str:
    """`Tue 1 Dec 2026`: a page has dozens of the same few days."""
    return formats.date_format(day, "D j M Y")


@contextmanager
def in_zone(name: str) -> Iterator[None]:
    """Times are written in the zone of this name, or in the site's if this machine doesn't know it.

    Zones come and go.
    """
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        yield
        return
    with timezone.override(zone):
        yield


@register.filter
def address(email: str) -> str:
    """An email address as its owner writes it, `anna@müller.de`, though stored as in the DNS."""
    local, at, domain = email.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except idna.IDNAError:
        return email


@register.filter
def minutes_of(there: int, length: int) -> str:
    """`52 of 60 min`; `90 min` for someone who was there longer."""
    return f"{there} of {length} min" if there <= length else f"{there} min"


def _zone(local: datetime) -> str:
    """`CET`; zones without an abbreviation are named by their offset, `UTC+03:00`.

    West of Greenwich with a real minus sign, after which no line breaks.
    """
    name = local.tzname() or ""
    return name if name.isalpha() else f"UTC{local.isoformat()[-6:]}".replace("-", "\u2212")


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """The icon of this name, which the words beside it explain: a template that is rendered once.

    A page has dozens.
    """
    return SafeString(render_to_string("_icon.html", {"name": name}))


@register.simple_tag
def idempotency_key() -> str:
    """A hidden field that makes sending this form twice the same as once."""
    field = '<input type="hidden" name="idempotency_key" value="{}" autocomplete="off">'
    return format_html(field, uuid7())
