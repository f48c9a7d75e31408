"""Refusals that a person can be told about: each has a code that never changes, and a sentence.

The sentence is for people, and the same on a page as in the API.
"""

from decimal import Decimal
from http import HTTPStatus
from typing import Any, ClassVar

from common.formats import money, size
from common.shapes import Json

# What is refused before a service is asked, by Django or its REST framework.
BY_STATUS = {
    HTTPStatus.BAD_REQUEST: ("invalid_request", "This request isn't valid. Nothing was changed."),
    HTTPStatus.UNAUTHORIZED: ("not_authenticated", "Log in first."),
    HTTPStatus.FORBIDDEN: ("permission_denied", "You don't have access to this."),
    HTTPStatus.NOT_FOUND: ("not_found", "This doesn't exist, or you don't have access to it."),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "method_not_allowed",
        "This address doesn't take that kind of request.",
    ),
    HTTPStatus.NOT_ACCEPTABLE: ("not_acceptable", "We can only answer with JSON here."),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("unsupported_media_type", "We can't read that format."),
    HTTPStatus.TOO_MANY_REQUESTS: ("throttled", "Too many attempts. Try again later."),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("server_error", "Something went wrong on our side."),
}


class CodedError(Exception):
    """An answer by its code, with a `message`, which its details fill.

    Amounts among them are Decimals: `$48.00` in the message, `"48.00"` in the details.
    """

    code: str
    message: str
    status = HTTPStatus.CONFLICT
    retry_after: int | None = None
    # Details that its description shows.
    example: ClassVar[Json] = {}

    def __init__(self, **details: Any) -> None:
        self.given = details
        super().__init__(str(self))

    def __str__(self) -> str:
        return self.message % self.in_words()

    def in_words(self) -> Json:
        """The details as people read them."""
        return {
            name: money(value) if isinstance(value, Decimal) else value
            for name, value in self.given.items()
        }

    @property
    def details(self) -> Json:
        """The details as JSON has them."""
        return {
            name: f"{value:.2f}" if isinstance(value, Decimal) else value
            for name, value in self.given.items()
        }

    def body(self) -> Json:
        """What goes out over the API."""
        return {"code": self.code, "message": str(self), "details": self.details}


class DomainError(CodedError):
    """The request cannot be carried out: a page says so, and may go on."""


class NotFound(DomainError):
    code, message = BY_STATUS[HTTPStatus.NOT_FOUND]
    status = HTTPStatus.NOT_FOUND


class Unavailable(CodedError):
    """It is not known whether it was done. Nothing goes on after it: that would wait again."""

    code = "unavailable"
    message = "We can't answer right now."
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 2


class IncompleteBody(DomainError):
    """The body is shorter than its Content-Length says."""

    code, message = BY_STATUS[HTTPStatus.BAD_REQUEST]
    status = HTTPStatus.BAD_REQUEST


class SlowBody(DomainError):
    code = "request_timeout"
    message = "Your request took too long to arrive. Nothing was changed."
    status = HTTPStatus.REQUEST_TIMEOUT


class LengthRequired(DomainError):
    code = "length_required"
    message = "This request doesn't say how long it is (Content-Length)."
    status = HTTPStatus.LENGTH_REQUIRED


class PayloadTooLarge(DomainError):
    """`limit` is in bytes."""

    code = "payload_too_large"
    message = "This is too large: %(limit)s is the most we accept."
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    example = {"limit": 65536}

    def in_words(self) -> Json:
        return {"limit": size(self.given["limit"])}


class NotStored(DomainError):
    code = "not_stored"
    message = "We couldn't store the file. Nothing was changed. Try again later."
    status = HTTPStatus.INSUFFICIENT_STORAGE


class InvalidAmount(DomainError):
    code = "invalid_amount"
    message = "Enter an amount such as 12.50: more than zero, with at most two decimals."
    status = HTTPStatus.BAD_REQUEST


class InvalidSignature(DomainError):
    """Of a webhook: it is not from whom it says."""

    code = "invalid_signature"
    message = "The signature doesn't match the body, or is too old."
    status = HTTPStatus.UNAUTHORIZED


class MalformedEvent(DomainError):
    """Of a webhook: it is signed, and cannot be read."""

    code = "malformed_event"
    message = "This is not an event that we can read."
    status = HTTPStatus.BAD_REQUEST
