"""Headers that every answer carries, on top of those of Django's SecurityMiddleware."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Sessions are held by camera and microphone; nothing else of a device is any of our business.
PERMISSIONS = "camera=(self), microphone=(self), display-capture=(self), " + ", ".join(
    f"{feature}=()"
    for feature in ("geolocation", "payment", "usb", "serial", "hid", "midi", "browsing-topics")
)


def guard(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Say what a page may load and use, and keep what is somebody's own out of every cache."""
    policy = policy_of(settings.SECURE_CSP)

    def middleware(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        # Django's debug pages are styled by what is written into them.
        if not (settings.DEBUG and response.status_code in (404, 500)):
            own = getattr(response, "_csp_config", None)
            response.headers.setdefault(
                "Content-Security-Policy", policy_of(own) if own else policy
            )
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        # By the cookie, not the user: to ask for the user would take a database.
        private = settings.SESSION_COOKIE_NAME in request.COOKIES or response.cookies
        if private or "Authorization" in request.headers:
            response.headers.setdefault("Cache-Control", "private, no-store")
        elif request.COOKIES:
            # A guest's page: in their time zone, or with who invited them.
            response.headers.setdefault("Cache-Control", "private")
        return response

    return middleware


def policy_of(rules: dict[str, list[str]]) -> str:
    """The Content-Security-Policy of these rules, as a header has it."""
    return "; ".join(f"{name} {' '.join(to)}" for name, to in rules.items())
