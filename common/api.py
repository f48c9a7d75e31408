"""What every route that answers in JSON shares: the error body."""

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.errors import BY_STATUS, CodedError, DomainError, Unavailable
from common.shapes import Json
from common.transactions import is_passing

logger = logging.getLogger(__name__)


def is_api(request: HttpRequest) -> bool:
    """Whether the request is for the API rather than a page."""
    return request.path.startswith("/api/")


def answer_error(error: Exception, context: Json) -> Response | None:
    """The error body; None for a defect, which the 500 handler answers."""
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
    """What to answer when the database fails for a passing reason, which is logged here."""
    if is_passing(error):
        unavailable = Unavailable()
        unavailable.__cause__ = error
    elif isinstance(error, Unavailable):
        unavailable = error
    else:
        return None
    logger.error("%s could not be answered", path, exc_info=unavailable)
    return unavailable


def _body(error: Exception, status: int, data: object) -> Json:
    """What Django REST framework refuses by itself, in our words."""
    if isinstance(error, exceptions.ValidationError):
        return error_body(status, data if isinstance(data, dict) else {"body": data})
    if isinstance(error.__cause__, CodedError):
        return error.__cause__.body()
    return error_body(status)


def error_body(status: int, details: Json | None = None) -> Json:
    """The one shape of every refusal, where no service gave it."""
    code, message = BY_STATUS[HTTPStatus(status)]
    return {"code": code, "message": message, "details": details or {}}


def answering_json(view: Callable[..., Json]) -> Callable[..., HttpResponse]:
    """Make a view for a page's script: its answer is JSON, and so is a refusal, as in the API."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            status = HTTPStatus.UNAUTHORIZED
            return JsonResponse(error_body(status), status=status)
        try:
            return JsonResponse(view(request, *args, **kwargs))
        except DomainError as error:
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
            return JsonResponse(error.body(), status=error.status, headers=headers)

    return answer
