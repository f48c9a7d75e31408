"""Only a request that is here whole is acted on."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from common.errors import CodedError, IncompleteBody, LengthRequired, PayloadTooLarge
from talkplatform.handlers import refuse


def whole(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Read the body before anything acts on it, and let nothing see one that is cut short.

    Behind WSGI a body in chunks is no safe thing: one that breaks off ends like one that is whole.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        fault = fault_of_body(request)
        return refuse(request, fault) if fault else answer(request)

    return middleware


def fault_of_body(request: HttpRequest) -> CodedError | None:
    """What is wrong with the body, which is read and kept by the request if nothing is."""
    if "Transfer-Encoding" in request.headers:
        return LengthRequired()
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return too_large()
    try:
        return None if len(request.body) == length else IncompleteBody()
    except UnreadablePostError:
        return IncompleteBody()


def too_large() -> PayloadTooLarge:
    """Name the limit."""
    return PayloadTooLarge(limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
