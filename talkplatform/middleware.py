"""What only pages need: the API knows its callers by their tokens, and keeps nothing for them."""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase

from common.api import is_api


class PagesOnly:
    """Makes a middleware let the API's requests by."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class Sessions(PagesOnly, SessionMiddleware):
    """The session of a signed-in browser."""


class Authentication(PagesOnly, AuthenticationMiddleware):
    """The user of a session."""


class Messages(PagesOnly, MessageMiddleware):
    """What the next page is to say."""
