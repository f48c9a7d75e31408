"""Many sessions of a course at once: planned by a rule, moved, copied."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from common.formats import counted
from courses.models import Course, CourseSession, in_time
from enrollments.services.timetable import add_sessions, copy_course, move_sessions
from payments.pages import submit_once
from teaching import reads
from teaching.errors import OverlapsChanged, PreviewOutdated
from teaching.guards import TeacherRequest, for_teachers, own_course
from teaching.planning import CopyForm, Move, MoveForm, Rows, ScheduleForm
from teaching.schedules import overlaps
from teaching.views.courses import put_on_sale


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Plan sessions; the preview sends its rows back here, to be looked at again or added."""
    course = own_course(request, course_id)
    step = request.POST.get("step", "plan")
    if step != "plan":
        return _with_rows(request, course, step)
    there = course.sessions.count()
    room = max(settings.MAX_SESSIONS_PER_COURSE - there, 0)
    form = ScheduleForm(request.POST or None, room=room)
    if form.is_valid():
        return _preview(request, course, form.rows(reads.next_number(course)))
    return render(request, "teaching/schedule.html", {"form": form, "course": course})


def _with_rows(request: TeacherRequest, course: Course, step: str) -> HttpResponse:
    rows = Rows.sent(request.POST)
    if step == "another":
        return _preview(request, course, rows.and_another())
    if step not in ("add", "publish") or not rows.are_valid():
        return _preview(request, course, rows)
    answer = submit_once(request, lambda: _added(request, course, rows))
    if answer.refused:
        return _preview(request, course, rows, answer.body["message"])
    messages.success(request, f"{counted(answer.body, 'session')} added.")
    if step == "publish":
        put_on_sale(request, course)
    return redirect("teaching:course", course.pk)


def _added(request: TeacherRequest, course: Course, rows: Rows) -> int:
    overlapping = sum(bool(met) for met in overlaps(request.user, rows.slots))
    if str(overlapping) != request.POST.get("overlapping"):
        raise OverlapsChanged
    return len(add_sessions(course_id=course.pk, actor=request.user, new=rows.new()))


def _preview(
    request: TeacherRequest, course: Course, rows: Rows, problem: str = ""
) -> HttpResponse:
    met = overlaps(request.user, rows.slots)
    context = {
        "course": course,
        "rows": list(zip(rows.forms, rows.slots, met, strict=True)),
        "overlapping": sum(bool(one) for one in met),
        "enrolled": reads.enrolled_for_free(course),
        "can_be_published": course.status == Course.Status.DRAFT
        and bool(course.price_full_course or course.price_per_session),
        "wrong": sum(not form.is_valid() for form in rows.forms),
        "problem": problem,
    }
    return render(request, "teaching/schedule_preview.html", context)


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def move_all(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Move every session to come: look first, then confirm. The form sent twice moves once."""
    course, now = own_course(request, course_id), timezone.now()
    sessions = list(course.sessions.open_at(now).order_by("starts_at", "session_number"))
    students = reads.students_in(sessions)
    form = MoveForm(request.POST or None, booked=bool(students))
    context = {"course": course, "form": form, "sessions": sessions, "students": students}
    if not form.is_valid():
        return render(request, "teaching/move.html", context)
    moves, problem = form.moves(sessions), ""
    if request.POST.get("step") == "move":
        answer = submit_once(request, lambda: _moved(request, course, moves, form))
        if not answer.refused:
            messages.success(request, f"{counted(answer.body, 'session')} moved.")
            return redirect("teaching:course", course.pk)
        problem = answer.body["message"]
    met = overlaps(request.user, [move.slot for move in moves], moving=sessions)
    context |= {"moves": list(zip(moves, met, strict=True)), "problem": problem}
    context |= {"told": _told(moves), "wrong": sum(bool(move.problem) for move in moves)}
    return render(request, "teaching/move_preview.html", context)


def _moved(request: TeacherRequest, course: Course, moves: Sequence[Move], form: MoveForm) -> int:
    if any(move.problem for move in moves) or _told(moves) != request.POST.get("told"):
        raise PreviewOutdated
    starts = {move.session.pk: move.starts_at for move in moves if move.starts_at}
    moved = move_sessions(
        course_id=course.pk,
        actor=request.user,
        starts=starts,
        reason=form.cleaned_data.get("reason", ""),
        unbooked="reason" not in form.fields,
    )
    return len(moved)


def _told(moves: Sequence[Move]) -> str:
    """What the preview shows, so that nothing else is moved."""
    shown = [(str(m.session.pk), m.session.starts_at, m.starts_at) for m in moves]
    return sha256(repr(shown).encode()).hexdigest()[:32]


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Draft a course like this one from another first day; the form sent twice drafts one."""
    course = own_course(request, course_id)
    kept = course.sessions.exclude(status=CourseSession.Status.CANCELLED)
    sessions = in_time(kept)
    form = CopyForm(request.POST or None, sessions=sessions)
    if form.is_valid():
        answer = submit_once(request, lambda: _copied(request, course, form.moves))
        if not answer.refused:
            messages.success(request, "Your copy is a draft. Check it, then publish it.")
            if answer.body["overlapping"]:
                met = counted(answer.body["overlapping"], "session")
                messages.warning(request, f"Overlaps with other sessions of yours: {met}.")
            return redirect("teaching:course", answer.body["course"])
        form.refuse(answer.body)
    context = {"course": course, "form": form, "sessions": sessions}
    return render(request, "teaching/copy.html", context)


def _copied(request: TeacherRequest, course: Course, moves: Sequence[Move]) -> dict[str, str | int]:
    met = overlaps(request.user, [move.slot for move in moves])
    starts = {move.session.pk: move.starts_at for move in moves if move.starts_at}
    draft = copy_course(course_id=course.pk, actor=request.user, starts=starts)
    return {"course": str(draft.pk), "overlapping": sum(bool(one) for one in met)}
