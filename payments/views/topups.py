"""Buying credit: the form, where paying leads back to, and the page that plays a processor."""

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.people import signed_in
from common.errors import DomainError
from common.formats import money
from common.pages import load_also
from payments.forms import RehearsalForm, TopUpForm
from payments.models import TopUp
from payments.pages import submit_once
from payments.processors import methods
from payments.processors.rehearsal import play
from payments.services.topups import RETURNED, lead_to_checkout, look_at


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """How much credit to buy; then off to the page where it is paid."""
    if not methods():
        return redirect("payments:credit")
    if request.method != "POST":
        return _show(request, TopUpForm(initial=TopUpForm.preset(request.GET)))
    form, user = TopUpForm(request.POST), signed_in(request)
    if form.is_valid():
        answer = submit_once(request, lambda: form.request(user))
        if answer.refused:
            form.refuse(answer.body)
            return _show(request, form, answer.status)
        top_up = TopUp.objects.of(user).get(pk=answer.body["top_up"])
        return _lead_away(request, top_up)
    return _show(request, form)


def _lead_away(request: HttpRequest, top_up: TopUp) -> HttpResponse:
    """To the page where it is paid; or, if that can't be opened now, to its own, which asks again.

    The form would ask for another top-up.
    """
    try:
        there = lead_to_checkout(top_up)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(top_up)
    return redirect(there.checkout_url if there.is_open else there)


@login_required
@never_cache
@require_safe
def top_up(request: HttpRequest, top_up_id: UUID) -> HttpResponse:
    """How far a top-up is, and its receipt. Paying leads here, and on to what it was for."""
    mine = get_object_or_404(TopUp.objects.of(signed_in(request)), pk=top_up_id)
    now = look_at(mine)
    if now.is_paid and now.return_path and request.GET.get(RETURNED):
        messages.success(request, f"Your top-up of {money(now.amount)} is in your credit.")
        return redirect(now.return_path)
    return render(request, "payments/top_up.html", {"top_up": now})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rehearsal(request: HttpRequest, top_up_id: UUID) -> HttpResponse:
    """Stands in for the page of a processor: students play what happens there."""
    if TopUp.Method.REHEARSAL not in methods():
        raise Http404
    mine = TopUp.objects.of(signed_in(request)).filter(method=TopUp.Method.REHEARSAL)
    top_up = get_object_or_404(mine, pk=top_up_id)
    form = RehearsalForm(request.POST)
    if request.method == "POST" and form.is_valid():
        play(top_up, form.cleaned_data["outcome"])
        return redirect(f"{top_up.get_absolute_url()}?{RETURNED}=1")
    return render(request, "payments/top_up_rehearsal.html", {"top_up": top_up})


def _show(request: HttpRequest, form: TopUpForm, status: int = HTTPStatus.OK) -> HttpResponse:
    if form.refusal:
        status = form.refusal.status
    elif form.errors and status == HTTPStatus.OK:
        status = HTTPStatus.BAD_REQUEST
    page = render(request, "payments/top_up_form.html", {"form": form}, status=status)
    if form.refusal and form.refusal.retry_after:
        page["Retry-After"] = str(form.refusal.retry_after)
    # The answer to this form leads to another host, which browsers count as its action.
    away = [settings.STRIPE_CHECKOUT_HOST] if TopUp.Method.STRIPE in methods() else []
    return load_also(page, {"form-action": away})
