"""A teacher's courses: the list, and what is done to one of them."""

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.errors import DomainError
from common.markdown import to_html
from common.pages import page_of
from courses.models import Course, next_of
from courses.services import archive_course, publish_course
from courses.services import create_course as draft_course
from enrollments.errors import CourseSold
from enrollments.policy import Policy
from enrollments.services import sessions
from enrollments.services.sessions import change_course
from payments.pages import submit_once
from teaching import reads
from teaching.forms import LONGEST_DESCRIPTION, CourseForm
from teaching.guards import TeacherRequest, for_teachers, own_course

COURSES_PER_PAGE = 20
SESSIONS_PER_PAGE = 50


@for_teachers
@require_safe
def courses(request: TeacherRequest) -> HttpResponse:
    """What I teach now and next, and my courses, with what was sold of each."""
    coming = reads.now_and_next(request.user, timezone.now())
    page = page_of(reads.courses_of(request.user), COURSES_PER_PAGE, request)
    context = {"page_obj": page, "courses": reads.summarise(list(page)), "coming": coming}
    return render(request, "teaching/courses.html", context)


@for_teachers
@require_safe
def course(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """One of my courses, with its sessions and what can be done to them."""
    found = own_course(request, course_id)
    [taught] = reads.summarise([found])
    timetable = reads.sessions_of(found)
    opens_at = next_of([one.session for one in timetable], timezone.now())
    page = page_of(timetable, SESSIONS_PER_PAGE, request, opens_at=opens_at)
    context = {"taught": taught, "course": found, "page_obj": page, "policy": Policy.now()}
    quote = reads.quote_of(found, [one.session for one in timetable])
    context["dearer"] = reads.what_is_dearer(quote)
    context |= _earned(request, found, singly=quote.is_dearer_whole)
    return render(request, "teaching/course.html", context)


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def create_course(request: TeacherRequest) -> HttpResponse:
    """Draft a course; the form sent twice drafts one."""
    form = CourseForm(request.POST or None, request.FILES or None)
    if (shown := _preview(request, form)) is None and form.is_valid():
        terms = form.changes()
        answer = submit_once(request, lambda: str(draft_course(teacher=request.user, **terms).pk))
        if not answer.refused:
            messages.success(request, "Your draft is saved. Now plan its sessions.")
            return redirect("teaching:schedule", answer.body)
        form.refuse(answer.body)
    return render(request, "teaching/course_form.html", {"form": form, "preview": shown})


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def edit_course(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Change the texts, prices or seats of a course."""
    found = own_course(request, course_id)
    form = CourseForm(request.POST or None, request.FILES or None, course=found)
    if (shown := _preview(request, form)) is None and form.is_valid():
        with form.refusals():
            change_course(course_id=found.pk, actor=request.user, **form.changes())
            messages.success(request, "Your changes have been saved.")
            return redirect("teaching:course", found.pk)
    context = {"form": form, "course": found, "preview": shown}
    return render(request, "teaching/course_form.html", context)


def _earned(request: TeacherRequest, course: Course, *, singly: bool) -> dict[str, object]:
    """What a full seat earns its teacher now, or one session, and their own link to the course.

    One session if the course is bought `singly`.
    """
    whole = None if singly else course.price_full_course
    price = whole or course.price_per_session
    if price is None:
        return {}
    usual, brought = Policy.earned(price)
    page = reverse("enrollments:course", args=[course.pk])
    link = f"{settings.SITE_URL}{page}?ref={request.user.referral_code}"
    unit = "full seat" if whole else "session sold"
    return {"earned": usual, "earned_if_brought": brought, "unit": unit, "link": link}


def _preview(request: TeacherRequest, form: CourseForm) -> str | None:
    """The description as students will see it, if only that was asked for: nothing is wrong yet."""
    if request.POST.get("step") != "preview":
        return None
    form.errors.clear()
    return SafeString(to_html(request.POST.get("description", "")[:LONGEST_DESCRIPTION]))


@for_teachers
@require_POST
def publish(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Put a course up for sale, or say what it lacks."""
    found = own_course(request, course_id)
    put_on_sale(request, found)
    return redirect("teaching:course", found.pk)


def put_on_sale(request: TeacherRequest, course: Course) -> None:
    """Publish a course, and say that it is, what it lacks, or what nobody will be offered."""
    try:
        publish_course(course_id=course.pk, actor=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return
    messages.success(request, f"“{course}” is published. Students can buy it now.")
    if dearer := reads.what_is_dearer_in(course):
        messages.warning(request, dearer)


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def archive(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Say what archiving means; once confirmed, do it."""
    found = own_course(request, course_id)
    if request.method == "POST":
        archive_course(course_id=found.pk, actor=request.user)
        done = f"“{found}” is archived. It can no longer be bought; existing bookings stay valid."
        messages.success(request, done)
        return redirect("teaching:course", found.pk)
    [taught] = reads.summarise([found])
    return render(request, "teaching/archive.html", {"taught": taught, "course": found})


@for_teachers
@require_http_methods(["GET", "HEAD", "POST"])
def delete_course(request: TeacherRequest, course_id: UUID) -> HttpResponse:
    """Ask first; then delete a course that nobody has booked. The form sent twice deletes once."""
    status, problem = HTTPStatus.OK, ""
    if request.method == "POST":
        answer = submit_once(request, lambda: _deleted(request, course_id))
        if not answer.refused:
            messages.success(request, f"“{answer.body}” has been deleted.")
            return redirect("teaching:courses")
        status, problem = HTTPStatus(answer.status), answer.body["message"]
    found = own_course(request, course_id)
    if sold := sessions.was_course_sold(found):
        problem = str(CourseSold())
    [taught] = reads.summarise([found])
    context = {"course": found, "taught": taught, "problem": problem, "sold": sold}
    return render(request, "teaching/delete_course.html", context, status=status)


def _deleted(request: TeacherRequest, course_id: UUID) -> str:
    found = own_course(request, course_id)
    sessions.delete_course(course_id=found.pk, actor=request.user)
    return found.title
