"""What people are told about their accounts."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from uuid_utils.compat import uuid7

from accounts.models import User
from common.formats import moment
from notices.kinds import Button, Kind, Letter, NoLongerTrue, register
from notices.models import Notice
from notices.services.outbox import put


def _link_for_a_new_password(notice: Notice) -> Letter:
    """It contains nothing that a user wrote, since anyone can ask for it to be sent."""
    user = notice.reader
    if not (user.is_active and user.has_usable_password()):
        raise NoLongerTrue("Nobody can log in with a password.")
    key = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return Letter(
        subject="Choose a new password for talkplatform",
        lead="Someone, probably you, asked for a new password for talkplatform. "
        "Choose it within an hour.\n\n"
        "If it wasn't you, there is nothing to do: your password stays as it is.",
        button=Button("Choose a new password", reverse("accounts:new_password", args=[key, token])),
    )


NEW_PASSWORD = register(
    Kind(
        name="new_password",
        to="who asks",
        told="the link by which to choose a new password",
        letter=_link_for_a_new_password,
    )
)


def send_link_for_a_new_password(user: User) -> None:
    """Email the link, as often as it is requested; it is dropped once it no longer works."""
    until = timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    put([NEW_PASSWORD.tell(user.pk, about=uuid7(), until=until)])


def _password_changed(notice: Notice) -> Letter:
    return Letter(
        subject="Your password was changed",
        lead="The password for your talkplatform account was changed, and every device that was "
        "logged in with the old one has been logged out.\n\nIf this wasn't you, choose a new "
        "password now.",
        rows=(("When", moment(notice.created_at)),),
        button=Button("Choose a new password", reverse("accounts:forgot_password")),
    )


PASSWORD_CHANGED = register(
    Kind(
        name="password_changed",
        to="everybody",
        told="that their password was changed, by whomever",
        letter=_password_changed,
        text=lambda notice: (
            f"Your password was changed on {moment(notice.created_at)}. If this wasn't you, choose "
            "a new one now."
        ),
        page=lambda notice: reverse("accounts:forgot_password"),
    )
)


def tell_password_changed(user: User) -> None:
    """Tell a user, each time, that their password was changed."""
    put([PASSWORD_CHANGED.tell(user.pk, about=uuid7())])
