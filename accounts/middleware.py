"""What is known of a reader before any page is made: the time zone, and who sent them."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import User
from common.api import is_api

REFERRAL_CODE = "referral_code"


def reader_zone(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Activate the signed-in user's time zone for the request; guests see the site's.

    So does whoever has a zone that this machine does not know, since zones come and go.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_api(request) or not request.user.is_authenticated:
            return answer(request)
        try:
            zone = ZoneInfo(request.user.time_zone)
        except (KeyError, ValueError, OSError):
            return answer(request)
        with timezone.override(zone):
            return answer(request)

    return middleware


def remember_referrer(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Keep the code of the `?ref=` that brought a guest here, until they register.

    The last link counts: it is the one that made them come back. A code that is nobody's changes
    nothing.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        code = None if is_api(request) else request.GET.get("ref")
        if code and not request.user.is_authenticated:
            for referrer in User.objects.of_referral_code(code):
                request.session[REFERRAL_CODE] = referrer.referral_code
        return answer(request)

    return middleware
