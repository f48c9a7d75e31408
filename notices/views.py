"""What I was told: all of it, and what I say to that; which emails I get."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.pages import page_of
from notices.choices import choices_of, find_choice, groups_for, is_off
from notices.kinds import kinds_of
from notices.models import Notice
from notices.readers import reader_of
from notices.rendering import page_for, said_to
from notices.services import choosing
from notices.services.reading import acknowledge_notice, read_all_notices, read_notice

NOTICES_PER_PAGE = 20

page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@login_required
@never_cache
def notices(request: HttpRequest) -> HttpResponse:
    """What I was told, newest first."""
    shown = page_of(Notice.objects.shown_to(reader_of(request)), NOTICES_PER_PAGE, request)
    context = {"notices": said_to(request.user, shown.object_list), "page_obj": shown}
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


@page
@login_required
@never_cache
def emails(request: HttpRequest) -> HttpResponse:
    """Which emails I get, of those that can be turned off."""
    reader_id, is_staff = reader_of(request), request.user.is_staff
    if request.method != "POST":
        choices = choices_of(reader_id, is_staff=is_staff)
        return render(request, "notices/emails.html", {"choices": choices})
    ticked, groups = set(request.POST.getlist("on")), groups_for(is_staff)
    choosing.choose_emails(
        reader_id=reader_id,
        on=[group for group in groups if group in ticked],
        off=[group for group in groups if group not in ticked],
    )
    messages.success(request, "Your choice has been saved.")
    return redirect("notices:emails")


@page
@csrf_exempt
@never_cache
def turn_off(request: HttpRequest, token: str) -> HttpResponse:
    """Turn off emails by the link in one of them, without logging in.

    Mail programs POST here by themselves (RFC 8058): with no cookie, and they follow no redirect.
    Scanners GET it to see where it leads, which changes nothing.
    """
    reader_id, group = find_choice(token)
    if request.method == "POST":
        choosing.turn_off(reader_id=reader_id, group=group)
    context = {
        "group": group,
        "is_off": is_off(reader_id, group),
        "is_shown": any(kind.text for kind in kinds_of(group)),
    }
    return render(request, "notices/turn_off.html", context)
