"""The pages of a top-up: where paying leads back to, and the one that plays a processor."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from accounts.people import signed_in
from payments.models import TopUp
from payments.services.topups import settle_top_up


@require_safe
@login_required
def top_up(request: HttpRequest, top_up_id: UUID) -> HttpResponse:
    """Where paying leads back to: its processor is asked."""
    mine = get_object_or_404(TopUp.objects.of(signed_in(request)), pk=top_up_id)
    done = settle_top_up(mine.pk)
    return redirect(done.return_path or "payments:credit")


@require_safe
@login_required
def rehearsal(request: HttpRequest, top_up_id: UUID) -> HttpResponse:
    """Plays the page of a processor."""
    mine = TopUp.objects.of(signed_in(request)).filter(method=TopUp.Method.REHEARSAL)
    get_object_or_404(mine, pk=top_up_id)
    return redirect("payments:credit")
