"""Who sent a request, to a page or to the API."""

from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User


def visitor(request: HttpRequest | Request) -> User | None:
    """The user where guests are allowed too; None for a guest."""
    return request.user if isinstance(request.user, User) else None


def signed_in(request: HttpRequest | Request) -> User:
    """The user where guests are not allowed."""
    return cast(User, request.user)
