"""What is answered where no view does: JSON under /api/, a page elsewhere."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from common.api import error_body


def _handler(status: int, code: str, message: str, page: Callable[..., Any]) -> Callable[..., Any]:
    def handle(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.path.startswith("/api/"):
            return JsonResponse(error_body(code, message), status=status)
        return page(request, *args, **kwargs)

    return handle


bad_request = _handler(400, "invalid_request", "The request is not valid.", defaults.bad_request)
permission_denied = _handler(
    403, "permission_denied", "You may not do this.", defaults.permission_denied
)
page_not_found = _handler(404, "not_found", "There is nothing here.", defaults.page_not_found)
server_error = _handler(
    500, "server_error", "Something went wrong. Look before you try again.", defaults.server_error
)
