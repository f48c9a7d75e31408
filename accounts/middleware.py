"""What is known about a reader before a page is made: the time zone, and who invited them."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from accounts.models import User
from common.api import is_api
from common.formats import in_zone
from common.zones import ZONE_COOKIE_NAME, time_zones


def reader_zone(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Activate the reader's time zone for the request.

    That of a signed-in user is in the profile. A guest's is in a cookie, from the device or chosen;
    before that they see the site's, or with scripts the device's at once (`app.js`).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_api(request):
            return answer(request)
        if request.user.is_authenticated:
            with in_zone(request.user.time_zone):
                return answer(request)
        with in_zone(_zone_of_guest(request)):
            response = answer(request)
        patch_vary_headers(response, ["Cookie"])
        return response

    return middleware


def _zone_of_guest(request: HttpRequest) -> str:
    said = request.COOKIES.get(ZONE_COOKIE_NAME, "")
    return said if said in time_zones() else ""


def remember_referrer(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Keep the code of a guest's `?ref=` in a cookie until they register.

    The last link counts: it is the one that made them come back. An unknown code changes nothing.
    It is not kept in a session, because each visit with such a link would add a row.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        referrer = _referrer_of_link(request)
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


def _referrer_of_link(request: HttpRequest) -> User | None:
    """Who invited a guest that comes by a link to a page."""
    code = None if is_api(request) else request.GET.get("ref")
    if not code or request.user.is_authenticated:
        return None
    return User.objects.of_referral_code(code).first()
