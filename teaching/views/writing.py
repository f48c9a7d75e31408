"""A teacher writes to the students of a course, or of one session."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from common.formats import counted
from courses.models import Course, CourseSession
from payments.pages import submit_once
from teaching.forms import AnnouncementForm
from teaching.guards import TeacherRequest, for_teachers, own_course, own_session
from teaching.reads import students_of
from teaching.services import write_to_students

# How many earlier messages are shown.
LATEST = 20


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def write_about_course(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Write to everyone who booked a course; the form sent twice writes once."""
    return _write(request, own_course(request, course_id))


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def write_about_session(request: TeacherRequest, session_id: UUID) -> HttpResponse:
    """Write to everyone who booked one session; the form sent twice writes once."""
    session = own_session(request, session_id)
    return _write(request, session.course, session)


def _write(
    request: TeacherRequest, course: Course, session: CourseSession | None = None
) -> HttpResponse:
    form = AnnouncementForm(request.POST or None)
    if form.is_valid():
        text = form.cleaned_data["text"]
        answer = submit_once(request, lambda: _written(request, course, session, text))
        if not answer.refused:
            messages.success(request, f"Sent to {counted(answer.body, 'student')}.")
            return redirect(_page_of(course, session))
        form.refuse(answer.body)
    written = (session or course).announcements.select_related("session")
    context = {
        "form": form,
        "course": course,
        "session": session,
        "students": students_of(session or course).count(),
        "written": written[:LATEST],
        "back": _page_of(course, session),
    }
    return render(request, "teaching/write.html", context)


def _written(
    request: TeacherRequest, course: Course, session: CourseSession | None, text: str
) -> int:
    about = session.pk if session else None
    return write_to_students(
        actor=request.user, course_id=course.pk, session_id=about, text=text
    ).students


def _page_of(course: Course, session: CourseSession | None) -> str:
    if session:
        return reverse("teaching:roster", args=[session.pk])
    return reverse("teaching:course", args=[course.pk])
