"""Who gets to the pages of teachers."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render

from accounts.models import User
from courses.models import Course, CourseSession


class TeacherRequest(HttpRequest):
    user: User


def for_teachers(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let in who teaches, ask guests to log in, and tell everybody else what this is about."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "is_teacher", False):
            return render(request, "teaching/not_a_teacher.html", status=403)
        return view(request, *args, **kwargs)

    return guarded


def own_course(request: TeacherRequest, course_id: UUID) -> Course:
    """One's own course; 404 for anybody else's."""
    return get_object_or_404(Course, pk=course_id, teacher=request.user)


def own_session(request: TeacherRequest, session_id: UUID) -> CourseSession:
    """A session of one's own course; 404 for anybody else's."""
    sessions = CourseSession.objects.select_related("course")
    return get_object_or_404(sessions, pk=session_id, course__teacher=request.user)
