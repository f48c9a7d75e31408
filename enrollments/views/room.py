"""The room of a session: its pages, and what their script asks for, in JSON."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.people import signed_in
from common.api import answering_json
from common.errors import NotFound
from common.pages import load_also
from common.shapes import Json
from enrollments import joining
from enrollments.access import AccessReason, find_access
from enrollments.learning.after import aftermath_of
from enrollments.learning.room import state_of
from rooms import livekit


@require_safe
@login_required
def room(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The waiting room and the room; or why there is none for the user."""
    user = signed_in(request)
    session, access = find_access(user=user, session_id=session_id)
    now = timezone.now()
    context = {
        "session": session,
        "access": access,
        "teaches": access.reason == AccessReason.TEACHER,
        "early": now < access.opens_at,
        "over": now >= access.closes_at,
        "has_video": livekit.is_configured(),
        # Not in the tree: the start script brings it.
        "client": finders.find("vendor/livekit-client.js") is not None,
    }
    if not access.has_access or context["over"] or not context["has_video"]:
        return render(request, "room/shut.html", context)
    return _with_media(render(request, "room/room.html", context))


@require_safe
@login_required
def check(request: HttpRequest) -> HttpResponse:
    """Try camera, microphone and speakers, on any day."""
    return _with_media(render(request, "room/check.html"))


@require_safe
@login_required
def after(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """What happens to the money of a session once one has left its room, and when."""
    user = signed_in(request)
    session, access = find_access(user=user, session_id=session_id)
    if not access.has_access:
        raise NotFound
    context = {"session": session, "access": access}
    told = aftermath_of(session, user, now=timezone.now())
    return render(request, "room/after.html", context | {"told": told})


@require_safe
@answering_json
def state(request: HttpRequest, session_id: UUID) -> Json:
    """Who is who in the room, and who is here."""
    return _state(request, session_id)


@require_POST
@answering_json
def make_pass(request: HttpRequest, session_id: UUID) -> Json:
    """A pass to the room, for some minutes."""
    join = joining.enter(user=signed_in(request), session_id=session_id)
    return {"url": join.url, "token": join.token}


@require_POST
@answering_json
def let_in(request: HttpRequest, session_id: UUID) -> Json:
    """The page is in the room: it may see and hear the others."""
    joining.let_in(user=signed_in(request), session_id=session_id)
    return _state(request, session_id)


@require_POST
@answering_json
def end(request: HttpRequest, session_id: UUID) -> Json:
    """End the session for all."""
    joining.end_for_all(teacher=signed_in(request), session_id=session_id)
    return _state(request, session_id)


@require_POST
@answering_json
def resume(request: HttpRequest, session_id: UUID) -> Json:
    """Let it go on."""
    joining.resume(teacher=signed_in(request), session_id=session_id)
    return _state(request, session_id)


@require_POST
@answering_json
def order(request: HttpRequest, session_id: UUID, user_id: UUID, verb: str) -> Json:
    """Do something to a student: one of `joining.VERBS`."""
    teacher = signed_in(request)
    joining.order(verb, teacher=teacher, session_id=session_id, student_id=user_id)
    return _state(request, session_id)


def _state(request: HttpRequest, session_id: UUID) -> Json:
    user = signed_in(request)
    session, access = find_access(user=user, session_id=session_id)
    if not access.has_access:
        raise NotFound
    return state_of(session, user, access, now=timezone.now())


def _with_media(page: HttpResponse) -> HttpResponse:
    """The page may reach LiveKit, and play what a script makes."""
    lines = livekit.addresses() if livekit.is_configured() else []
    return load_also(page, {"connect-src": lines, "media-src": ["'self'", "blob:"]})
