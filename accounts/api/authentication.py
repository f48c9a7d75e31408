"""Finds the user of a request by its access token."""

from typing import Any

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import AccessToken, Token

from accounts.errors import TokenNotValid
from accounts.models import User
from accounts.tokens import parse_access, user_of


class TokenAuthentication(JWTAuthentication):
    """`Authorization: Bearer …`, for the price of one SELECT of the user.

    Every bad token gets the same 401, whether it is forged, expired, older than the password or of
    a deactivated user.
    """

    def authenticate(self, request: Request) -> Any:
        try:
            return super().authenticate(request)
        except TokenNotValid as error:
            raise InvalidToken(str(error)) from error

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        return parse_access(raw_token)

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]
        return user_of(validated_token)


class TokenScheme(SimpleJWTScheme):
    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "jwt"
