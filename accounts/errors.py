"""Why a user is not let in."""

from http import HTTPStatus

from common.errors import DomainError
from common.formats import wait
from common.shapes import Json


class InvalidCredentials(DomainError):
    """Also for an unknown or deactivated account, so that guessing tells nothing."""

    code = "invalid_credentials"
    message = "That email or password isn't right."
    status = HTTPStatus.UNAUTHORIZED


class WrongPassword(DomainError):
    code = "wrong_password"
    message = "That password isn't right."
    status = HTTPStatus.FORBIDDEN


class TokenNotValid(DomainError):
    code = "token_not_valid"
    message = "Your login has expired. Log in again."
    status = HTTPStatus.UNAUTHORIZED


class AlreadyProved(DomainError):
    code = "already_proved"
    message = "This email address is already confirmed."


class AddressTaken(DomainError):
    """Said only to those who read the mail of this address."""

    code = "address_taken"
    message = "This email address now belongs to another account, so nothing was changed."


class LinkNotValid(DomainError):
    code = "link_not_valid"
    message = "This link no longer works."


class TooManyAttempts(DomainError):
    code = "throttled"
    message = "Too many attempts. Try again in %(wait)s."
    status = HTTPStatus.TOO_MANY_REQUESTS
    example = {"retry_after": 60}

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after

    def in_words(self) -> Json:
        return {"wait": wait(self.given["retry_after"])}
