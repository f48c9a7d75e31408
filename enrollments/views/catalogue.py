"""Courses to choose from, one with all that its reader can do, and who teaches them."""

from dataclasses import replace
from uuid import UUID

from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.invitations import inviter_of
from accounts.people import visitor
from common.markdown import to_words
from common.pages import page_of
from courses.descriptions import described
from courses.models import Course, next_of
from courses.search import Part
from enrollments.forms import CatalogueForm
from enrollments.policy import Policy
from enrollments.shop import catalogue as shop
from enrollments.shop import offers
from enrollments.shop.course import announcements_for, course_for
from enrollments.shop.found import Found, FoundCourses, Moment
from enrollments.shop.teachers import find_teacher
from enrollments.views.sharing import (
    PHOTO_SIZE,
    SHARED_SIZE,
    address_of,
    address_of_teacher,
    photo_of,
    picture_of,
)

CARDS_PER_PAGE = 12
SESSIONS_PER_PAGE = 50


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """The courses with a session to come that match; what is no filter is ignored and told."""
    filters = CatalogueForm(request.GET, moment=Moment.read())
    found = filters.courses()
    page = _page(found, request)
    context = {
        "form": filters.form,
        "counted": found.counted,
        "has_more": found.has_more,
        "page_obj": page,
        "cards": shop.cards(list(page), visitor(request)),
        "narrowed_by": filters.narrowed_by,
        "shown_for": filters.found and filters.found.shown_for,
        "wish": filters.wish,
        "in_quotes": f'"{request.GET.get("search", "")}"',
        "chosen": filters.chosen,
        "inviter": inviter_of(request),
    }
    return render(request, "enrollments/catalogue.html", context)


def _page(found: Found, request: HttpRequest) -> Page[Course]:
    """The page asked for; the last one there is, if they turned out to be fewer than was noted."""
    page = page_of(found, CARDS_PER_PAGE, request)
    is_so = page.paginator.count == found.count()
    return page if is_so else page_of(found, CARDS_PER_PAGE, request)


@require_safe
def teacher(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """A teacher, and those of their courses that the catalogue has."""
    shown = find_teacher(user_id)
    moment = Moment.read()
    theirs = moment.to_come().filter(teacher=shown.user)
    page = _page(FoundCourses(Part(theirs), (), moment, asked=user_id), request)
    context = {
        "shown": shown,
        "teacher": shown.user,
        "record": shown.record,
        "html": (html := SafeString(shown.introduction.html)),
        "said": to_words(html) or f"{shown.user.display_name} teaches live online.",
        "page_obj": page,
        "cards": shop.cards(list(page), visitor(request)),
        "inviter": inviter_of(request),
        "address": address_of_teacher(user_id),
        "picture": photo_of(shown.introduction) or picture_of(),
        "size": PHOTO_SIZE if shown.introduction.photo else SHARED_SIZE,
    }
    return render(request, "enrollments/teacher.html", context)


@require_safe
def course(request: HttpRequest, course_id: UUID) -> HttpResponse:
    """A course and its sessions, each with what the reader can do about it."""
    shown = course_for(visitor(request), course_id)
    reader, now = offers.Reader.of(visitor(request)), timezone.now()
    sessions = sorted(shown.sessions, key=lambda one: one.session.when)
    opens_at = next_of([one.session for one in sessions], now)
    page = page_of(sessions, SESSIONS_PER_PAGE, request, opens_at=opens_at)
    description = described(shown.course)
    offer = offers.course_offer(shown, reader, now)
    short, quiet = offers.said_once(offer, [offers.session_offer(one, reader, now) for one in page])
    overlapped = [shown.overlapped(one.session, now) for one in page]
    context = {
        "shown": shown,
        "description": description,
        "words": to_words(description),
        "course": shown.course,
        "page_obj": page,
        "sessions": [
            (one, replace(what, overlapped=other))
            for one, what, other in zip(page, quiet, overlapped, strict=True)
        ],
        "short": short,
        "inviter": inviter_of(request),
        "offer": offer,
        "lines": offers.price_lines(shown.quote),
        "reader": reader,
        "policy": Policy.now(),
        "address": address_of(course_id),
        "picture": picture_of(shown.course),
        "size": SHARED_SIZE,
        "announcements": announcements_for(visitor(request), shown),
    }
    return render(request, "enrollments/course.html", context)
