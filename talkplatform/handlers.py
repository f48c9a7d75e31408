"""What is answered where no view does: JSON under /api/, a page in our dress elsewhere."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.loader import render_to_string

from accounts.views import show_anew
from common.api import as_unavailable, error_body, is_api
from common.errors import CodedError, DomainError, Unavailable
from common.transactions import is_passing


@dataclass(frozen=True)
class Refusal:
    """What a status means to a reader; `art` is a symbol of img/art.svg."""

    title: str
    text: str
    art: str = "lost"


GENERAL = Refusal("That is not possible now", "Go back and look again.", "locked")
NOT_UNDERSTOOD = Refusal(
    "We did not understand that", "Go back to the page before, and try again there."
)
REFUSALS = {
    400: NOT_UNDERSTOOD,
    402: Refusal("Not enough credit", "Nothing was charged.", "coins"),
    403: Refusal(
        "You may not do this",
        "Your account has no right to it. If that surprises you, log in with another one.",
        "locked",
    ),
    404: Refusal("There is nothing here", "It was taken away, never was, or is somebody else's."),
    405: Refusal(
        "There is nothing to see here",
        "This address belongs to a button. Go back to the page before, and press it there.",
    ),
    408: Refusal(
        "That took too long",
        "Your connection is slow, or broke. Nothing was changed: go back, and try again.",
        "waiting",
    ),
    411: NOT_UNDERSTOOD,
    413: Refusal("That is too large", "Nothing was changed: go back, and send less at once."),
    429: Refusal("Slow down a little", "Too many attempts. Try again later.", "waiting"),
    500: Refusal(
        "Something went wrong",
        "The fault is ours, and we have taken note of it.",
        "broken",
    ),
    503: Refusal("We cannot answer right now", "Try again in a moment.", "waiting"),
}
STALE_FORM = (
    "This form has grown old, or your browser keeps no cookies. "
    "Nothing was changed: go back, reload the page, and send it again."
)
# Where students buy and cancel. By the path: in doubt the form itself may be what cannot be read.
MONEY_PATHS = ("/courses/", "/sessions/", "/learning/")
NOT_SURE = "We could not confirm this. Look before trying again."
NOT_SURE_OF_MONEY = "We could not confirm this. Look at My learning before trying again."


class Refusals:
    """Makes a page of what the services refuse, where a page's view leaves that to us."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.answer(request)
        # Log in, and be sent back to where only a button leads: that needs words.
        if isinstance(response, HttpResponseNotAllowed) and not is_api(request):
            page = _page(request, HTTPStatus.METHOD_NOT_ALLOWED)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page of a refusal; None for a defect, which the 500 handler answers."""
        if is_api(request):
            return None
        if unavailable := as_unavailable(error, request.path):
            return refuse(request, unavailable)
        if isinstance(error, DomainError):
            return _page(request, error.status, str(error), retry_after=error.retry_after)
        return None


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer what Django did not understand, perhaps not even whom it is for."""
    if is_api(request):
        return _json(HTTPStatus.BAD_REQUEST, "invalid_request", "The request is not valid.")
    return _bare_page(request, HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer somebody who may not."""
    if is_api(request):
        return _json(HTTPStatus.FORBIDDEN, "permission_denied", "You may not do this.")
    return _page(request, HTTPStatus.FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that did not come from a page of ours, or from one of long ago."""
    if is_api(request):
        return permission_denied(request)
    # A form of ours with an older token, never one that came from elsewhere.
    anew = show_anew(request) if reason.startswith("CSRF token from POST") else None
    return anew or _page(request, HTTPStatus.FORBIDDEN, STALE_FORM)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer where there is nothing."""
    if is_api(request):
        return _json(HTTPStatus.NOT_FOUND, "not_found", "There is nothing here.")
    return _page(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a defect, or a database that is gone, with nothing that could fail in turn.

    Django has logged it.
    """
    if is_passing(sys.exc_info()[1]):
        return refuse(request, Unavailable())
    if is_api(request):
        message = "Something went wrong. Look before you try again."
        return _json(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", message)
    return _bare_page(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def refuse(request: HttpRequest, error: CodedError) -> HttpResponse:
    """Answer without asking who is there: no session, no database."""
    if is_api(request):
        response: HttpResponse = JsonResponse(error.body(), status=error.status)
    else:
        response = _bare_page(request, error.status)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _json(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse(error_body(code, message), status=status)


def _page(
    request: HttpRequest, status: int, text: str = "", *, retry_after: int | None = None
) -> HttpResponse:
    """A page that shows who is signed in."""
    content = render_to_string("error.html", _context(request, status, text), request)
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return HttpResponse(content, status=status, headers=headers)


def _bare_page(request: HttpRequest, status: int) -> HttpResponse:
    """A page that asks nobody who is signed in: no session, no database, no context processor."""
    return HttpResponse(render_to_string("error.html", _context(request, status)), status=status)


def _context(request: HttpRequest, status: int, text: str = "") -> dict[str, Any]:
    refusal = REFUSALS.get(status, GENERAL)
    in_doubt = request.method == "POST" and status >= HTTPStatus.INTERNAL_SERVER_ERROR
    about_money = in_doubt and request.path.startswith(MONEY_PATHS)
    if in_doubt:
        text = NOT_SURE_OF_MONEY if about_money else NOT_SURE
    return {
        "status": int(status),
        "title": refusal.title,
        "text": text or refusal.text,
        "art": refusal.art,
        "look_at_learning": about_money,
    }
