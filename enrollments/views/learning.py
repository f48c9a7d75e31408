"""What a student has booked, and what happens to the money."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.people import signed_in
from common.pages import page_of
from enrollments.learning.bookings import Shelf, bookings_of, count_shelves, entries_of, on_shelf
from enrollments.policy import Policy

BOOKINGS_PER_PAGE = 10


@require_safe
@login_required
def learning(request: HttpRequest) -> HttpResponse:
    """One shelf of my bookings: upcoming, past or cancelled."""
    now = timezone.now()
    mine = bookings_of(signed_in(request), now)
    counts = count_shelves(mine)
    shelf = _shelf(request.GET.get("show", ""))
    page = page_of(on_shelf(mine, shelf), BOOKINGS_PER_PAGE, request)
    context = {
        "bookings": entries_of(list(page.object_list), now),
        "page_obj": page,
        "shelf": shelf,
        "shelves": [(one.value, one.label, counts[one]) for one in Shelf],
        "opens_minutes": settings.JOIN_OPENS_MINUTES,
        "booked": sum(counts.values()),
        "policy": Policy.now(),
    }
    return render(request, "enrollments/learning.html", context)


def _shelf(name: str) -> Shelf:
    return Shelf(name) if name in Shelf else Shelf.UPCOMING
