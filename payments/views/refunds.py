"""Credit that goes back to where it came from: what goes where, then the deed."""

from decimal import Decimal
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.people import signed_in
from common.formats import money
from common.money import total
from payments.forms import AmountToRefundForm, RefundForm
from payments.models import TopUpRefund
from payments.pages import submit_once
from payments.refunding import Piece, first_of
from payments.services.refunds import preview_refund, settle_request
from payments.wallets import credit_of

Status = TopUpRefund.Status
# What a page says of a request that was just made.
ON_ITS_WAY = "{} is on its way to where it came from. That can take a few days."
FAILED = "{} couldn't be refunded. It came back, and is yours here again."


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def refund(request: HttpRequest) -> HttpResponse:
    """Where the amount in the address would go; once confirmed, it goes."""
    if request.method == "POST":
        return _send(request)
    pieces = _pieces(request)
    asked = AmountToRefundForm(request.GET or None, pieces=pieces)
    if not asked.is_valid():
        if asked.is_bound:
            messages.error(request, str(asked.errors["amount"][0]))
        return redirect("payments:credit")
    return _ask(request, RefundForm(initial=asked.cleaned_data), asked.cleaned_data["amount"])


def _send(request: HttpRequest) -> HttpResponse:
    form, user = RefundForm(request.POST), signed_in(request)
    if not form.is_valid():
        return redirect("payments:credit")
    amount = form.cleaned_data["amount"]
    answer = submit_once(request, lambda: form.request(user))
    if answer.refused:
        form.refuse(answer.body)
        return _ask(request, form, amount, answer.status)
    _say(request, settle_request(TopUpRefund.objects.of(user).get(pk=answer.body["refund"])))
    return redirect("payments:credit")


def _say(request: HttpRequest, made: TopUpRefund) -> None:
    """What became of a request, of which one part may have failed and another gone."""
    failed = total(row.amount for row in made.rows.all() if row.status == Status.FAILED)
    if gone := made.total - failed:
        messages.success(request, ON_ITS_WAY.format(money(gone)))
    if failed:
        messages.error(request, FAILED.format(money(failed)))


def _pieces(request: HttpRequest) -> list[Piece]:
    user = signed_in(request)
    return preview_refund(user, credit=credit_of(user))


def _ask(
    request: HttpRequest, form: RefundForm, amount: Decimal, status: int = HTTPStatus.OK
) -> HttpResponse:
    if form.refusal:
        status = form.refusal.status
    pieces = first_of(_pieces(request), amount)
    context = {"form": form, "amount": amount, "pieces": pieces}
    response = render(request, "payments/refund.html", context, status=status)
    if form.refusal and form.refusal.retry_after:
        response["Retry-After"] = str(form.refusal.retry_after)
    return response
