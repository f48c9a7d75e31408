"""The door of a session's room."""

from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from enrollments.access import access_of, find_session
from enrollments.livekit import Join, join_of


@require_safe
@login_required
def join(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Into the room while it is open; else why not."""
    user = cast(User, request.user)
    session = find_session(user=user, session_id=session_id)
    access = access_of(session, user)
    now = timezone.now()
    join = join_of(session, user, access, now=now)
    context = {
        "session": session,
        "access": access,
        "early": now < access.opens_at,
        "over": now >= access.closes_at,
        "join": join,
        "room": _room(join) if join else "",
    }
    return render(request, "enrollments/join.html", context)


def _room(join: Join) -> str:
    """The client's address with its pass to the room; nothing where no client is set."""
    if not settings.LIVEKIT_CLIENT_URL:
        return ""
    query = urlencode({"liveKitUrl": join.url, "token": join.token})
    return f"{settings.LIVEKIT_CLIENT_URL}?{query}"
