"""What a student has booked, and what happens to the money."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.people import signed_in
from common.pages import page_of
from enrollments.learning.bookings import Shelf, enrollment_entry, entries_of, shelves_of
from enrollments.policy import Policy
from enrollments.queries import MOST_BOOKINGS
from notices.models import Notice
from notices.rendering import said_to

BOOKINGS_PER_PAGE = 10
# So many of the notices that a student has to acknowledge stand above their bookings.
NEWS = 10


@require_safe
@login_required
def learning(request: HttpRequest) -> HttpResponse:
    """One shelf of my bookings: upcoming, past or cancelled."""
    student, now = signed_in(request), timezone.now()
    booked, has_older = shelves_of(student, now)
    news = said_to(student, Notice.objects.shown_to(student.pk).to_acknowledge()[: NEWS + 1])
    shelf = _shelf(request.GET.get("show", ""))
    page = page_of(booked[shelf], BOOKINGS_PER_PAGE, request)
    context = {
        "bookings": entries_of(list(page), now),
        "page_obj": page,
        "shelf": shelf,
        "shelves": [(one.value, one.label, len(booked[one])) for one in Shelf],
        "opens_minutes": settings.JOIN_OPENS_MINUTES,
        "booked": sum(map(len, booked.values())),
        "newest": f"{MOST_BOOKINGS:,}" if has_older else "",
        "policy": Policy.now(),
        "news": news[:NEWS],
        "more_news": len(news) > NEWS,
    }
    return render(request, "enrollments/learning.html", context)


@require_safe
@login_required
def timeline(request: HttpRequest, enrollment_id: UUID) -> HttpResponse:
    """What happens to the money of one of my courses, step by step."""
    booking = enrollment_entry(signed_in(request), enrollment_id, timezone.now())
    return render(request, "enrollments/timeline.html", {"booking": booking})


def _shelf(name: str) -> Shelf:
    return Shelf(name) if name in Shelf else Shelf.UPCOMING
