"""Events as iCalendar has them (RFC 5545, RFC 7986): feeds, files to keep, and parts of mails."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from hashlib import sha256
from urllib.parse import quote

import icalendar
from django.conf import settings

from accounts.models import User
from calendars.events import Event, clean

TYPE = "text/calendar; charset=utf-8"
NAME = "talkplatform"
_MAKER = "-//talkplatform//Sessions//EN"
_REFRESH = timedelta(hours=1)


def feed(events: Iterable[Event], now: datetime) -> bytes:
    """A calendar to subscribe to: it is fetched again, and events that are gone disappear."""
    calendar = _calendar(_component(event, now) for event in events)
    calendar.add("x-wr-calname", NAME)
    calendar.add("name", NAME)
    calendar.add("refresh-interval", _REFRESH, {"value": "DURATION"})
    calendar.add("x-published-ttl", icalendar.vDuration(_REFRESH))
    return calendar.to_ical()


def file(events: Iterable[Event], now: datetime) -> bytes:
    """Events to import into a calendar once: they don't change there."""
    return _calendar(_component(event, now) for event in events).to_ical()


def tag(events: Sequence[Event]) -> str:
    """The ETag of a feed, which changes with anything in it. Nothing is stored for it.

    It is weak: each time the feed says when it was made.
    """
    return f'W/"{sha256(repr((_MAKER, events)).encode()).hexdigest()[:32]}"'


def publication(events: Iterable[Event], now: datetime) -> bytes:
    """The same as a `file`, made `now` for an email: calendars may import it, and notify nobody."""
    return _message("PUBLISH", [_organised(event, now) for event in events])


def invitation(method: str, event: Event, reader: User, now: datetime) -> bytes:
    """REQUEST or CANCEL, made `now`: calendars add or remove the event (RFC 5546).

    Its reader is the only attendee and has accepted, so nobody is asked to reply.
    """
    component = _organised(event, now)
    person = _person(reader.display_name, reader.email)
    said = {"role": "REQ-PARTICIPANT", "partstat": "ACCEPTED", "rsvp": "FALSE"}
    component.add("attendee", person, said)
    return _message(method, [component])


def _message(method: str, components: Iterable[icalendar.Event]) -> bytes:
    calendar = _calendar(components)
    calendar.add("method", method)
    return calendar.to_ical()


def _organised(event: Event, now: datetime) -> icalendar.Event:
    component = _component(event, now)
    component.add("organizer", _person(*parseaddr(settings.DEFAULT_FROM_EMAIL)))
    return component


def _person(name: str, address: str) -> icalendar.vCalAddress:
    person = icalendar.vCalAddress(f"mailto:{quote(address, safe='@+')}")
    if name:
        # Parameters can't contain quotation marks.
        person.params["CN"] = clean(name).replace('"', "'")
    return person


def _calendar(components: Iterable[icalendar.Event]) -> icalendar.Calendar:
    calendar = icalendar.Calendar()
    calendar.add("prodid", _MAKER)
    calendar.add("version", "2.0")
    for component in components:
        calendar.add_component(component)
    return calendar


def _component(event: Event, now: datetime) -> icalendar.Event:
    """Its stamp is when it was made, from how things stood then: calendars take the newest."""
    component = icalendar.Event()
    component.add("uid", event.uid)
    component.add("sequence", event.sequence)
    component.add("dtstamp", now)
    component.add("dtstart", event.starts_at)
    component.add("dtend", event.ends_at)
    component.add("summary", event.title)
    component.add("description", event.description)
    component.add("location", event.place)
    component.add("url", event.url)
    component.add("status", "CANCELLED" if event.is_off else "CONFIRMED")
    component.add("transp", "TRANSPARENT" if event.is_off else "OPAQUE")
    return component
