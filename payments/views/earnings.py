"""What a teacher or referrer has earned, and how to withdraw it."""

from collections.abc import Iterator
from decimal import Decimal
from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.people import signed_in
from accounts.throttling import client_address
from common.exports import stream_csv
from common.formats import money
from common.pages import page_of
from payments import earnings
from payments.earnings import SessionEarnings
from payments.forms import AmountForm, WithdrawalForm
from payments.models import Withdrawal
from payments.pages import submit_once
from payments.services.withdrawals import cancel_withdrawal

SESSIONS_PER_PAGE, WITHDRAWALS_PER_PAGE, LATEST = 25, 25, 3
CSV_HEADER = (
    "Course", "Session", "Title", "Starts", "Minutes", "Students", "Attended", "Gross",
    "Commission", "Net", "Status", "Payable", "Paid",
)  # fmt: skip


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """The figures, each session with when it will be paid, and my latest withdrawals."""
    user = signed_in(request)
    forecast = earnings.forecast_of(user)
    figures = earnings.figures_of(user, forecast)
    page = page_of(earnings.sessions_of(user), SESSIONS_PER_PAGE, request)
    latest = list(Withdrawal.objects.of(user).newest_first()[: LATEST + 1])
    context = {
        "figures": figures,
        "page_obj": page,
        "rows": [earnings.earnings_of(session, forecast) for session in page],
        "withdrawals": latest[:LATEST],
        "more": len(latest) > LATEST,
        "minimum": settings.MIN_WITHDRAWAL,
        "now": timezone.now(),
        "grace": settings.SETTLEMENT_GRACE_MINUTES,
        "form": AmountForm(available=figures.available),
    }
    return render(request, "payments/earnings.html", context)


@require_safe
@login_required
def sessions_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every session that I earn with, and my referrals, as a table to keep."""
    return stream_csv("earnings.csv", CSV_HEADER, _lines(signed_in(request)))


@require_safe
@login_required
def withdrawals(request: HttpRequest) -> HttpResponse:
    """All my withdrawals."""
    mine = Withdrawal.objects.of(signed_in(request)).newest_first()
    page = page_of(mine, WITHDRAWALS_PER_PAGE, request)
    context = {"page_obj": page, "withdrawals": list(page)}
    return render(request, "payments/withdrawals.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest) -> HttpResponse:
    """Request a withdrawal of the amount in the address: payout details, and the password again."""
    available = earnings.available_to(signed_in(request))
    if request.method == "POST":
        return _request(request, available)
    asked = AmountForm(request.GET or {"amount": str(available)}, available=available)
    if not asked.is_valid():
        messages.error(request, str(asked.errors["amount"][0]))
        return redirect("payments:earnings")
    return _ask(request, available, WithdrawalForm(initial=asked.cleaned_data))


@login_required
@require_POST
def cancel(request: HttpRequest, withdrawal_id: UUID) -> HttpResponse:
    """Cancel a withdrawal that nobody has decided on."""

    def act() -> dict[str, str]:
        done = cancel_withdrawal(user=signed_in(request), withdrawal_id=withdrawal_id)
        return {"amount": str(done.amount)}

    answer = submit_once(request, act)
    if answer.refused:
        messages.error(request, answer.body["message"])
    else:
        amount = money(Decimal(answer.body["amount"]))
        messages.success(request, f"Request cancelled. {amount} is available again.")
    return redirect("payments:earnings")


def _request(request: HttpRequest, available: Decimal) -> HttpResponse:
    user, form = signed_in(request), WithdrawalForm(request.POST)
    if not (form.is_valid() and form.confirm(user, client_address(request))):
        return _ask(request, available, form)
    answer = submit_once(request, lambda: form.request(user))
    if answer.refused:
        form.refuse(answer.body)
        return _ask(request, available, form, answer.status)
    amount = money(Decimal(answer.body["amount"]))
    messages.success(request, f"Requested. {amount} will be paid once our staff have approved it.")
    return redirect("payments:earnings")


def _ask(
    request: HttpRequest, available: Decimal, form: WithdrawalForm, status: int = HTTPStatus.OK
) -> HttpResponse:
    if form.refusal:
        status = form.refusal.status
    elif form.errors and status == HTTPStatus.OK:
        status = HTTPStatus.BAD_REQUEST
    context = {"form": form, "available": available, "amount": form.wanted}
    response = render(request, "payments/withdraw.html", context, status=status)
    if form.refusal and form.refusal.retry_after:
        response["Retry-After"] = str(form.refusal.retry_after)
    return response


def _lines(user: User) -> Iterator[tuple[object, ...]]:
    forecast = earnings.forecast_of(user)
    for session in earnings.sessions_of(user).iterator():
        yield _line(earnings.earnings_of(session, forecast))
    figures = earnings.figures_of(user, forecast)
    for status, amount in (
        ("held", figures.held_referrals),
        ("released", figures.released_referrals),
    ):
        if amount:
            yield ("Referrals", *[""] * 6, "", "", amount, status, "", "")


def _line(row: SessionEarnings) -> tuple[object, ...]:
    session, times = row.session, (row.session.starts_at, row.payable_at, row.paid_at)
    starts, payable, paid = (time.isoformat(timespec="seconds") if time else "" for time in times)
    return (
        session.course.title, session.session_number, session.title, starts,
        session.duration_minutes, row.students, row.attended, row.gross, row.commission,
        row.net, row.status, payable, paid,
    )  # fmt: skip
