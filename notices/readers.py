"""Whose notices a request asks for."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest
from rest_framework.request import Request


def reader_of(request: HttpRequest | Request) -> UUID:
    """The key of who is signed in, where no guest is let in."""
    return cast(UUID, request.user.pk)
