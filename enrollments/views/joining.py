"""The door of a session's room."""

from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.people import signed_in
from enrollments.access import find_access
from enrollments.joining import join_of, may_join
from rooms.livekit import Join


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def join(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Why the room is shut, or a button "Join", which makes a pass that works for minutes."""
    user = signed_in(request)
    session, access = find_access(user=user, session_id=session_id)
    now = timezone.now()
    door = join_of(session, user, access, now=now) if request.method == "POST" else None
    if door and settings.LIVEKIT_CLIENT_URL:
        return HttpResponseRedirect(_room(door), status=HTTPStatus.SEE_OTHER)
    context = {
        "session": session,
        "access": access,
        "early": now < access.opens_at,
        "over": now >= access.closes_at,
        "may_join": may_join(access, now=now),
        "client": settings.LIVEKIT_CLIENT_URL,
        "join": door,
    }
    return render(request, "enrollments/join.html", context)


def _room(door: Join) -> str:
    """The client's address with its pass to the room."""
    query = urlencode({"liveKitUrl": door.url, "token": door.token})
    return f"{settings.LIVEKIT_CLIENT_URL}?{query}"
