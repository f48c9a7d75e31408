"""What pages with money share: a form is processed once, and every page says what is a test."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.people import signed_in
from common.errors import DomainError
from payments.idempotency import Answer, answer_once, fingerprint
from payments.processors import is_test_mode, methods

T = TypeVar("T")


def submit_once(
    request: HttpRequest, act: Callable[[], T], told: Callable[[T], object] = lambda done: done
) -> Answer:
    """Run `act` once for the form's `idempotency_key`; what is `told` of it, for JSON, is the body.

    A refusal by the rules is an answer too, `refused`, with the API's body: `code`, `message`,
    `details`. A form that is sent again gets the first answer, `replayed`.
    """
    fields = request.POST.copy()
    # The fingerprint is stored, and must not contain a fast hash of a password.
    for secret in ("csrfmiddlewaretoken", "password"):
        fields.pop(secret, None)
    try:
        return answer_once(
            user=signed_in(request),
            key=request.POST.get("idempotency_key", ""),
            request=fingerprint("POST", request.path, fields.urlencode().encode()),
            act=lambda: Answer(HTTPStatus.OK, told(act())),
        )
    except DomainError as error:
        return Answer(error.status, error.body())


def top_ups(request: HttpRequest) -> dict[str, bool]:
    """For every page: whether people can top up here, and whether that is for no real money."""
    return {"can_top_up": bool(methods()), "test_mode": is_test_mode()}


def ask_again(request: HttpRequest) -> HttpResponse:
    """Go from an earlier refusal to the page that asks, as things stand now, with a fresh key."""
    messages.info(request, "That was refused, and no money moved. Check it, then confirm again.")
    return redirect(request.path)
