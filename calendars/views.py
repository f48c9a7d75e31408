"""A reader's calendar: the feed and its address, and files to download."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import TooManyAttempts
from accounts.people import signed_in
from calendars import files
from calendars.events import event_of, events_of, events_of_enrollment
from calendars.feeds import feed_address, find_reader, own_feed
from calendars.services import note_fetch, renew_feed
from common.pacing import Pace

_pace = Pace(seconds=3600)


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponseBase:
    """A user's sessions for a calendar that subscribes: it has no cookies, but knows the token.

    Its ETag covers everything in it. There is no Last-Modified, since what left a feed has no time.
    """
    reader, now = find_reader(token), timezone.now()
    if wait := _pace.wait(str(reader.pk), settings.CALENDAR_FETCHES_PER_HOUR):
        raise TooManyAttempts(retry_after=wait)
    events = events_of(reader, now)
    tag = files.tag(events)
    response = get_conditional_response(request, etag=tag)
    if not isinstance(response, HttpResponseNotModified):
        response = HttpResponse(files.feed(events, now), content_type=files.TYPE)
        response.headers["Content-Disposition"] = 'inline; filename="talkplatform.ics"'
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    # Looking at it in the browser is not subscribing.
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        note_fetch(user=reader, now=now)
    return response


@require_safe
@login_required
def calendar(request: HttpRequest) -> HttpResponse:
    """The address of my feed, and when a calendar fetched it last."""
    mine = own_feed(signed_in(request))
    address = feed_address(mine)
    context = {
        "address": address,
        "subscribe": f"webcal:{address.partition(':')[2]}",
        "fetched_at": mine.fetched_at,
    }
    return render(request, "calendars/calendar.html", context)


@require_POST
@login_required
def renew(request: HttpRequest) -> HttpResponse:
    """Give my feed a new address."""
    renew_feed(user=signed_in(request))
    messages.success(request, "Your calendar has a new address. The old one no longer works.")
    return redirect("calendars:calendar")


@require_safe
@login_required
def session_file(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """A session that I booked or teach, as a file."""
    return _file([event_of(signed_in(request), session_id)], "session")


@require_safe
@login_required
def enrollment_file(request: HttpRequest, enrollment_id: UUID) -> HttpResponse:
    """All that I have of a course, as a file."""
    return _file(events_of_enrollment(signed_in(request), enrollment_id), "course")


def _file(events: list, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.ics"'}
    return HttpResponse(
        files.file(events, timezone.now()), content_type=files.TYPE, headers=headers
    )
