"""The door of a session's room."""

from typing import Any, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from courses.models import CourseSession
from enrollments.access import access_of, with_access_of


@require_safe
@login_required
def join(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Into the room while it is open; else why not."""
    user = cast(User, request.user)
    session = _find(user, session_id)
    now = timezone.now()
    context = {
        "session": session,
        "access": access_of(session, user),
        "early": now < session.opens_at,
        "over": now >= session.ends_at,
    }
    return render(request, "enrollments/join.html", context)


def _find(user: User, session_id: UUID) -> Any:
    sessions = CourseSession.objects.select_related("course__teacher")
    session = with_access_of(sessions, user).filter(pk=session_id).first()
    if session is None or not session.course.is_visible_to(user):
        raise Http404
    return session
