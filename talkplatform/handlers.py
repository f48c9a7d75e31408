"""What is answered where no view does: JSON under /api/, a page in our dress elsewhere."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.loader import render_to_string

from accounts.views import show_again
from common.api import as_unavailable, error_body, is_api
from common.errors import BY_STATUS, CodedError, DomainError, Unavailable
from common.transactions import is_passing


@dataclass(frozen=True)
class Dress:
    """How a page with a status looks, beside its sentence; `art` is a symbol of img/art.svg."""

    title: str
    hint: str = ""
    art: str = "lost"


GENERAL = Dress("That isn't possible right now", "Go back and check.", "locked")
NOT_UNDERSTOOD = Dress("We couldn't read that", "Go back and try again.")
DRESSES = {
    400: NOT_UNDERSTOOD,
    402: Dress("Not enough credit", "You were not charged.", "coins"),
    403: Dress("No access", "If you have another account, log in with that one.", "locked"),
    404: Dress("There's nothing here"),
    405: Dress("There's nothing to see here", "Go back and use the button there."),
    408: Dress("That took too long", "Go back and try again.", "waiting"),
    411: NOT_UNDERSTOOD,
    413: Dress("That's too large", "Go back and send less at once."),
    429: Dress("Slow down a little", art="waiting"),
    500: Dress("We're sorry", "We've made a note of it.", "broken"),
    503: Dress("We're busy", "Try again in a moment.", "waiting"),
}
EXPIRED = "This page has expired"
RELOAD = (
    "Nothing was changed. Go back, reload the page and send it again. "
    "If that doesn't help, allow cookies for this site."
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
        return _json(HTTPStatus.BAD_REQUEST)
    return _bare_page(request, HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer somebody who may not."""
    if is_api(request):
        return _json(HTTPStatus.FORBIDDEN)
    return _page(request, HTTPStatus.FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that did not come from a page of ours, or from one of long ago."""
    if is_api(request):
        return permission_denied(request)
    # A form of ours with an older token, never one that came from elsewhere.
    shown = show_again(request) if reason.startswith("CSRF token from POST") else None
    return shown or _page(request, HTTPStatus.FORBIDDEN, RELOAD, title=EXPIRED)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer where there is nothing."""
    if is_api(request):
        return _json(HTTPStatus.NOT_FOUND)
    return _page(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a defect, or a database that is gone, with nothing that could fail in turn.

    Django has logged it.
    """
    if is_passing(sys.exc_info()[1]):
        return refuse(request, Unavailable())
    if is_api(request):
        return _json(HTTPStatus.INTERNAL_SERVER_ERROR)
    return _bare_page(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def refuse(request: HttpRequest, error: CodedError) -> HttpResponse:
    """Answer without asking who is there: no session, no database."""
    if is_api(request):
        response: HttpResponse = JsonResponse(error.body(), status=error.status)
    else:
        response = _bare_page(request, error.status, str(error))
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _json(status: int) -> HttpResponse:
    return JsonResponse(error_body(status), status=status)


def _page(
    request: HttpRequest,
    status: int,
    sentence: str = "",
    *,
    title: str = "",
    retry_after: int | None = None,
) -> HttpResponse:
    """A page that shows who is signed in."""
    context = _context(request, status, sentence)
    if title:
        context |= {"title": title, "hint": ""}
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return HttpResponse(
        render_to_string("error.html", context, request), status=status, headers=headers
    )


def _bare_page(request: HttpRequest, status: int, sentence: str = "") -> HttpResponse:
    """A page that asks nobody who is signed in: no session, no database, no context processor."""
    context = _context(request, status, sentence)
    return HttpResponse(render_to_string("error.html", context), status=status)


def _context(request: HttpRequest, status: int, sentence: str) -> dict[str, object]:
    """The sentence of the refusal, or of the status, in its dress."""
    dress = DRESSES.get(status, GENERAL)
    in_doubt = request.method == "POST" and status >= HTTPStatus.INTERNAL_SERVER_ERROR
    about_money = in_doubt and request.path.startswith(MONEY_PATHS)
    in_doubt_hint = NOT_SURE_OF_MONEY if about_money else NOT_SURE
    return {
        "status": int(status),
        "title": dress.title,
        "text": sentence or BY_STATUS[HTTPStatus(status)][1],
        "hint": in_doubt_hint if in_doubt else dress.hint,
        "art": dress.art,
        "look_at_learning": about_money,
    }
