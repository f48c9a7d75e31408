"""Who asks for a page."""

from typing import cast

from django.http import HttpRequest

from accounts.models import User


def visitor(request: HttpRequest) -> User | None:
    """Who asks, where guests may as well."""
    return request.user if request.user.is_authenticated else None


def signed_in(request: HttpRequest) -> User:
    """Who asks, where the page lets no guest in."""
    return cast(User, request.user)
