"""A student's credit: the balance, what is held, and the history."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.people import signed_in
from common.pages import page_of
from payments.forms import AmountToRefundForm
from payments.models import CreditNotice, PaymentHold
from payments.outcomes import outcome_of
from payments.services.refunds import preview_refund
from payments.statements import events_of, lines_of
from payments.wallets import standing_of

LINES_PER_PAGE = 25


@require_safe
@login_required
def credit(request: HttpRequest) -> HttpResponse:
    """My balance, what is held, every event, and how to get credit."""
    user = signed_in(request)
    balance, held, owed = standing_of(user)
    page = page_of(events_of(user), LINES_PER_PAGE, request)
    pieces = preview_refund(user, credit=balance)
    context = {
        "balance": balance,
        "refund": AmountToRefundForm(pieces=pieces) if pieces else None,
        "refund_days": settings.TOP_UP_REFUND_DAYS,
        "held": held,
        "owed": owed,
        "lines": lines_of(list(page.object_list)),
        "page_obj": page,
        "notice": CreditNotice.objects.first(),
    }
    return render(request, "payments/credit.html", context)


@require_safe
@login_required
def receipt(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    """What one purchase paid for, and what happened to each session."""
    mine = PaymentHold.objects.of(signed_in(request)).with_parts()
    hold = get_object_or_404(mine.select_related("student", "teacher"), pk=hold_id)
    now = timezone.now()
    parts = sorted(hold.parts.all(), key=lambda part: part.session.when)
    context = {
        "hold": hold,
        "rows": [(part, outcome_of(part, now=now)) for part in parts],
        "waiting": hold.amount - hold.released_amount - hold.refunded_amount,
        "now": now,
    }
    return render(request, "payments/receipt.html", context)
