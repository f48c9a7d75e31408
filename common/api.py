"""What every route of the API shares: one error body."""

import logging
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.errors import CodedError, Unavailable
from common.transactions import is_passing

logger = logging.getLogger(__name__)

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
