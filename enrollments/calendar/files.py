"""Events as iCalendar has them (RFC 5545, RFC 7986): feeds, and files to keep."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import icalendar

from enrollments.calendar.events import Event

TYPE = "text/calendar; charset=utf-8"
NAME = "talkplatform"
_MAKER = "-//talkplatform//Sessions//EN"
_REFRESH = timedelta(hours=1)


def feed(events: Iterable[Event]) -> bytes:
    """A calendar to subscribe to: it is fetched again, and what is gone from it goes there."""
    calendar = _calendar(events)
    calendar.add("x-wr-calname", NAME)
    calendar.add("name", NAME)
    calendar.add("refresh-interval", _REFRESH, {"value": "DURATION"})
    calendar.add("x-published-ttl", icalendar.vDuration(_REFRESH))
    return calendar.to_ical()


def file(events: Iterable[Event]) -> bytes:
    """Events to put into a calendar once: they do not change there."""
    return _calendar(events).to_ical()


def tag(events: Sequence[Event]) -> str:
    """The ETag of a feed: another one as soon as anything in it is. Nothing is written for it."""
    return f'"{sha256(repr((_MAKER, events)).encode()).hexdigest()[:32]}"'


def _calendar(events: Iterable[Event]) -> Any:
    calendar = icalendar.Calendar()
    calendar.add("prodid", _MAKER)
    calendar.add("version", "2.0")
    for event in events:
        calendar.add_component(_component(event))
    return calendar


def _component(event: Event) -> Any:
    component = icalendar.Event()
    component.add("uid", event.uid)
    component.add("sequence", event.sequence)
    # Without a method it says when the event was last changed, so that a feed stays the same.
    component.add("dtstamp", event.changed_at)
    component.add("last-modified", event.changed_at)
    component.add("dtstart", event.starts_at)
    component.add("dtend", event.ends_at)
    component.add("summary", event.title)
    component.add("description", event.description)
    component.add("location", event.place)
    component.add("url", event.url)
    component.add("status", "CANCELLED" if event.is_off else "CONFIRMED")
    component.add("transp", "TRANSPARENT" if event.is_off else "OPAQUE")
    return component
