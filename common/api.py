"""What every route of the API shares: one error body, and lists that go on by a `Link`."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.errors import CodedError, Unavailable
from common.transactions import is_passing

logger = logging.getLogger(__name__)

MAX_ROWS = 100
# What Django REST framework refuses by itself.
FRAMEWORK_CODES = {
    HTTPStatus.BAD_REQUEST: "invalid_request",
    HTTPStatus.UNAUTHORIZED: "not_authenticated",
    HTTPStatus.FORBIDDEN: "permission_denied",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.NOT_ACCEPTABLE: "not_acceptable",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.TOO_MANY_REQUESTS: "throttled",
}


def is_api(request: HttpRequest) -> bool:
    """Whether the API is asked, not a page."""
    return request.path.startswith("/api/")


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """The one error body; None for a defect, which the 500 handler answers."""
    if unavailable := as_unavailable(error, context["request"].path):
        error = unavailable
    if isinstance(error, CodedError):
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
        return Response(error.body(), status=error.status, headers=headers)
    response = exception_handler(error, context)
    if response is not None:
        response.data = _body(error, response.status_code, response.data)
    return response


def as_unavailable(error: BaseException | None, path: str) -> Unavailable | None:
    """What to answer where the database could not, for a reason that passes and is logged here."""
    if is_passing(error):
        unavailable = Unavailable()
        unavailable.__cause__ = error
    elif isinstance(error, Unavailable):
        unavailable = error
    else:
        return None
    logger.error("%s could not be answered", path, exc_info=unavailable)
    return unavailable


def _body(error: Exception, status: int, data: Any) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        details = data if isinstance(data, dict) else {"body": data}
        return error_body("invalid_request", "The request is not valid.", details)
    detail = data.get("detail", "") if isinstance(data, dict) else ""
    code = getattr(detail, "code", None)
    if not code or code in ("error", "parse_error", "authentication_failed"):
        code = FRAMEWORK_CODES.get(HTTPStatus(status), "error")
    if isinstance(data, dict) and isinstance(data.get("code"), str):
        code = str(data["code"])
    return error_body(code, str(detail))


def error_body(code: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """The one shape of every refusal."""
    return {"code": code, "message": message, "details": details or {}}


class FirstPage:
    """Stands in for a queryset whose first page is asked for often: `rows` gives so many of it."""

    def __init__(self, rows: Callable[[int], list[Any]]) -> None:
        self._rows = rows

    def order_by(self, *_: str) -> "FirstPage":
        return self

    def __getitem__(self, part: slice) -> list[Any]:
        return self._rows(part.stop)


class LinkPagination(CursorPagination):
    """A bare array of at most 100 rows; `Link: <…>; rel="next"` says where it goes on."""

    page_size = MAX_ROWS
    page_size_query_param = "limit"

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, DjangoValidationError, ValueError, OverflowError) as error:
            raise exceptions.ValidationError({"cursor": ["This is no cursor of ours."]}) from error

    def get_page_size(self, request: Any) -> int:
        asked = request.query_params.get(self.page_size_query_param, str(MAX_ROWS))
        if not (asked.isascii() and asked.isdigit() and int(asked[:9])):
            raise exceptions.ValidationError({"limit": ["Give a whole number from 1 to 100."]})
        return min(int(asked[:9]), MAX_ROWS)

    def get_paginated_response(self, data: Any) -> Response:
        following = self.get_next_link()
        return Response(data, headers={"Link": f'<{following}>; rel="next"'} if following else None)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return schema
