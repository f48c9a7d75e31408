"""Who invited a guest, until they sign up."""

from django.conf import settings
from django.http import HttpRequest

from accounts.models import User


def inviter_of(request: HttpRequest) -> User | None:
    """The owner of the link that this guest used last; None for a logged-in user."""
    code = request.COOKIES.get(settings.REFERRAL_COOKIE_NAME)
    if not code or request.user.is_authenticated:
        return None
    return User.objects.of_referral_code(code).first()
