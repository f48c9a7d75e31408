"""What I was told: all of it, and what I say to that."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from common.pages import page_of
from notices.models import Notice
from notices.readers import reader_of
from notices.rendering import page_for, said_to
from notices.services.reading import acknowledge_notice, read_all_notices, read_notice

NOTICES_PER_PAGE = 20


@require_safe
@login_required
@never_cache
def notices(request: HttpRequest) -> HttpResponse:
    """What I was told, newest first."""
    page = page_of(Notice.objects.shown_to(reader_of(request)), NOTICES_PER_PAGE, request)
    context = {"notices": said_to(request.user, page.object_list), "page_obj": page}
    return render(request, "notices/notices.html", context)


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    """I have read all of it."""
    read_all_notices(reader_id=reader_of(request))
    return redirect("notices:notices")


@require_POST
@login_required
def follow(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Go where a notice leads; it is read then."""
    notice = read_notice(reader_id=reader_of(request), notice_id=notice_id)
    return HttpResponseRedirect(page_for(notice) or reverse("notices:notices"))


@require_POST
@login_required
def acknowledge(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """I know what it says. Back to where I said so."""
    acknowledge_notice(reader_id=reader_of(request), notice_id=notice_id)
    back = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(back if ours else reverse("notices:notices"))
