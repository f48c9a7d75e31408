"""Why somebody is not let in."""

from http import HTTPStatus

from common.errors import DomainError


class InvalidCredentials(DomainError):
    """Also for an unknown or deactivated account: who guesses learns nothing."""

    code = "invalid_credentials"
    message = "This e-mail address and password do not go together."
    status = HTTPStatus.UNAUTHORIZED


class WrongPassword(DomainError):
    code = "wrong_password"
    message = "This is not your password."
    status = HTTPStatus.FORBIDDEN


class TokenNotValid(DomainError):
    code = "token_not_valid"
    message = "This token is not valid, or no longer. Sign in again."
    status = HTTPStatus.UNAUTHORIZED


class TooManyAttempts(DomainError):
    code = "throttled"
    message = "Too many attempts. Try again in %(retry_after)s seconds."
    status = HTTPStatus.TOO_MANY_REQUESTS
    example = {"retry_after": 60}

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after
