"""What is known about a reader before a page is made: the time zone, and who invited them."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from common.api import is_api
from common.formats import in_zone


def reader_zone(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Activate the signed-in user's time zone for the request; guests see the site's."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_api(request) or not request.user.is_authenticated:
            return answer(request)
        with in_zone(request.user.time_zone):
            return answer(request)

    return middleware


def remember_referrer(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Keep the code of a guest's `?ref=` in a cookie until they register.

    The last link counts: it is the one that made them come back. An unknown code changes nothing.
    It is not kept in a session, because each visit with such a link would add a row.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        code = None if is_api(request) else request.GET.get("ref")
        if not code or request.user.is_authenticated:
            return answer(request)
        referrer = User.objects.of_referral_code(code).first()
        if referrer is None:
            return answer(request)
        request.COOKIES[settings.REFERRAL_COOKIE_NAME] = referrer.referral_code
        response = answer(request)
        response.set_cookie(
            settings.REFERRAL_COOKIE_NAME,
            referrer.referral_code,
            max_age=settings.SESSION_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    return middleware
