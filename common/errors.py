"""Refusals that a person can be told about: each has a code that never changes."""

from http import HTTPStatus
from typing import Any, ClassVar


class CodedError(Exception):
    """An answer by its code. `details` fill the message and go out with it."""

    code: str
    message: str
    status = HTTPStatus.CONFLICT
    retry_after: int | None = None
    # Details that its description shows.
    example: ClassVar[dict[str, Any]] = {}

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(str(self))

    def __str__(self) -> str:
        return self.message % self.details

    def body(self) -> dict[str, Any]:
        """What goes out over the API."""
        return {"code": self.code, "message": str(self), "details": self.details}


class DomainError(CodedError):
    """What was asked for cannot be done: a page says so, and may go on."""


class NotFound(DomainError):
    code = "not_found"
    message = "There is no such thing, or it is not yours."
    status = HTTPStatus.NOT_FOUND


class Unavailable(CodedError):
    """Whether it was done is not known. Nobody goes on after it: that would wait once more."""

    code = "unavailable"
    message = "The service is busy. Try again in a moment, with the same idempotency key."
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 2


class IncompleteBody(DomainError):
    code = "invalid_request"
    message = "The body is shorter than its Content-Length says. Nothing was done."
    status = HTTPStatus.BAD_REQUEST


class SlowBody(DomainError):
    code = "request_timeout"
    message = "The body did not come in time. Nothing was done."
    status = HTTPStatus.REQUEST_TIMEOUT


class LengthRequired(DomainError):
    code = "length_required"
    message = "Send the body with a Content-Length, not in chunks."
    status = HTTPStatus.LENGTH_REQUIRED


class PayloadTooLarge(DomainError):
    code = "payload_too_large"
    message = "The body is larger than %(limit)s bytes."
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    example = {"limit": 65536}


class NotStored(DomainError):
    code = "not_stored"
    message = "The file could not be stored, and nothing was changed. Try again later."
    status = HTTPStatus.INSUFFICIENT_STORAGE


class InvalidAmount(DomainError):
    code = "invalid_amount"
    message = "Give an amount such as 12.50: more than zero, at most two decimals."
    status = HTTPStatus.BAD_REQUEST
