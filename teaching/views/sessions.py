"""The sessions of a teacher's course: who comes, adding, changing, calling off and deleting."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from common.errors import DomainError
from common.exports import stream_csv
from common.formats import moment
from common.forms import Cleaned
from common.pages import page_of
from courses.models import CourseSession
from enrollments.errors import ReasonMissing
from enrollments.services import sessions, timetable
from payments.pages import submit_once
from teaching import reads
from teaching.attendance import students_of_course, table_of
from teaching.forms import CancelSessionForm, SessionForm
from teaching.guards import TeacherRequest, for_teachers, own_course, own_session

STUDENTS_PER_PAGE = 50
# Each has a word about every session, of which there may be 200.
STUDENTS_PER_TABLE = 20


@for_teachers
@require_safe
def roster(request: TeacherRequest, session_id: UUID) -> HttpResponse:
    """A session with its students, and what became of what they paid."""
    session, now = own_session(request, session_id), timezone.now()
    page = page_of(reads.roster(session), STUDENTS_PER_PAGE, request)
    attendees, presence = reads.attendees(session, list(page), now)
    sales = reads.sales_of(session)
    context = {
        "session": session,
        "attendees": attendees,
        "presence": presence,
        "open": session.lasts(now) and session.opens_at <= now,
        "ended_early": reads.ended_early(session),
        "state": reads.state_of(session, now),
        "sales": sales,
        "can_be_deleted": reads.can_be_deleted(session, sales, now),
        "can_write": reads.students_of(session).exists(),
        "page_obj": page,
    }
    return render(request, "teaching/roster.html", context)


@for_teachers
@require_safe
def attendance(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Everyone who has or had any session of a course, and how long they were there."""
    course = own_course(request, course_id)
    page = page_of(students_of_course(course), STUDENTS_PER_TABLE, request)
    shown, rows = table_of(course, list(page), timezone.now())
    context = {"course": course, "page_obj": page, "sessions": shown, "rows": rows}
    return render(request, "teaching/attendance.html", context)


@for_teachers
@require_safe
def attendance_csv(request: TeacherRequest, course_id: UUID) -> StreamingHttpResponse:
    """The same table as a file, with everyone."""
    course = own_course(request, course_id)
    students = list(students_of_course(course))
    shown, rows = table_of(course, students, timezone.now())
    header = ["Student", *(f"{session}, {moment(session.starts_at)}" for session in shown)]
    lines = ([row.student.display_name, *row.words] for row in rows)
    return stream_csv("attendance.csv", header, lines)


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def add_session(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Add a session at the end of a course; the form sent twice adds one."""
    course = own_course(request, course_id)
    form = SessionForm(request.POST or None)
    if form.is_valid():
        terms = form.cleaned_data
        answer = submit_once(request, lambda: _added(request, course_id, terms))
        if not answer.refused:
            messages.success(request, f"Session {answer.body} has been added.")
            return redirect("teaching:course", course.pk)
        form.refuse(answer.body)
    number = reads.next_number(course)
    return render(
        request, "teaching/session_form.html", {"form": form, "course": course, "number": number}
    )


def _added(request: TeacherRequest, course_id: UUID, terms: Cleaned) -> int:
    return timetable.add_session(course_id=course_id, actor=request.user, **terms).session_number


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def edit_session(request: TeacherRequest, session_id: UUID) -> HttpResponse:
    """Change the texts of a session; its start and length until it starts."""
    session = own_session(request, session_id)
    sales = reads.sales_of(session)
    form = SessionForm(request.POST or None, session=session, booked=bool(sales.students))
    if form.is_valid():
        changes = form.changes()
        with form.refusals():
            changed = sessions.change_session(
                session_id=session.pk,
                actor=request.user,
                unbooked="reason" not in form.fields,
                **changes,
            )
            messages.success(request, _changed(changed, changes))
            return redirect("teaching:roster", session.pk)
    if isinstance(form.refusal, ReasonMissing):
        form = SessionForm(request.POST, session=session, booked=True)
    context = {
        "form": form,
        "session": session,
        "course": session.course,
        "number": session.session_number,
        "sales": sales,
    }
    return render(request, "teaching/session_form.html", context)


def _changed(session: CourseSession, changes: Cleaned) -> str:
    said = "Your changes have been saved."
    if "starts_at" in changes:
        said = f"Session {session.session_number} has moved to {moment(changes['starts_at'])}."
    if not changes.keys().isdisjoint(sessions.WHEN) and reads.sales_of(session).changed:
        return f"{said} Its students can return it for a refund until it starts."
    return said


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_session(request: TeacherRequest, session_id: UUID) -> HttpResponse:
    """Say who gets how much back; once the teacher typed it, call the session off."""
    session = own_session(request, session_id)
    if session.status == CourseSession.Status.CANCELLED:
        if request.method == "POST":
            return _call_off(request, session)
        return redirect("teaching:roster", session.pk)
    if refusal := sessions.refuse_calling_off(session, request.user, timezone.now()):
        messages.error(request, str(refusal))
        return redirect("teaching:roster", session.pk)
    due, sales = sessions.refunds_due(session.pk), reads.sales_of(session)
    sent = request.POST if request.method == "POST" else None
    form = CancelSessionForm(sent, due=due, booked=bool(sales.students))
    if form.is_valid():
        reason = form.cleaned_data.get("reason", "")
        try:
            return _call_off(request, session, reason=reason, expected=due)
        except DomainError as error:
            due, sales = sessions.refunds_due(session.pk), reads.sales_of(session)
            form = CancelSessionForm(due=due, booked=bool(sales.students))
            messages.error(request, str(error))
    context = {"session": session, "form": form, "due": form.due, "sales": sales}
    return render(request, "teaching/cancel_session.html", context)


def _call_off(request: TeacherRequest, session: CourseSession, **terms: Any) -> HttpResponse:
    sessions.cancel_session(session_id=session.pk, actor=request.user, **terms)
    return _told(request, session)


def _told(request: TeacherRequest, session: CourseSession) -> HttpResponse:
    """Back to the session, with a message that says what cancelling it gave back."""
    made = sessions.refunds_made(session.pk)
    messages.success(request, f"Session {session.session_number} has been cancelled. {made}")
    return redirect("teaching:roster", session.pk)


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def delete_session(request: TeacherRequest, session_id: UUID) -> HttpResponse:
    """Ask first; then delete a session that nobody has booked. The form sent twice deletes once."""
    status, problem = HTTPStatus.OK, ""
    if request.method == "POST":
        answer = submit_once(request, lambda: _deleted(request, session_id))
        if not answer.refused:
            messages.success(request, f"Session {answer.body['number']} has been deleted.")
            return redirect("teaching:course", answer.body["course"])
        status, problem = HTTPStatus(answer.status), answer.body["message"]
    session = own_session(request, session_id)
    sold = sessions.was_sold(session)
    if refusal := sessions.refuse_deleting(session, sold=sold, now=timezone.now()):
        problem = str(refusal)
    context = {"session": session, "problem": problem, "sold": sold}
    return render(request, "teaching/delete_session.html", context, status=status)


def _deleted(request: TeacherRequest, session_id: UUID) -> dict[str, str | int]:
    session = own_session(request, session_id)
    sessions.delete_session(session_id=session.pk, actor=request.user)
    return {"course": str(session.course_id), "number": session.session_number}
