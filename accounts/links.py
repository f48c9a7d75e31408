"""Links that prove an address or set a password, sealed with SECRET_KEY: no row gives access.

The address is sealed but not contained, so a link can be logged without naming anyone.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing

from accounts.models import User


def lifetime() -> timedelta:
    """How long a link works, and a new address waits to be proved."""
    return timedelta(hours=settings.PROOF_HOURS)


def token_for(user_id: UUID, address: str) -> str:
    """The part of a link that only those who read the mail of this address know."""
    return _signer(address).sign(user_id.hex)


def user_in(token: str) -> UUID | None:
    """The user whom a token names, which proves nothing yet; None for no token of ours."""
    try:
        return UUID(hex=token.partition(".")[0])
    except ValueError:
        return None


def proves(token: str, address: str) -> bool:
    """Whether it was made for this address, not too long ago."""
    try:
        _signer(address).unsign(token, max_age=lifetime())
    except signing.BadSignature:
        return False
    return True


class PasswordLinks(PasswordResetTokenGenerator):
    """Links for a new password, which work once.

    Someone who registers another person's address must not be able to keep its owner out. So until
    it is proved, nothing that they can do ends a link: neither a login nor another password. Its
    use does, which proves the address.
    """

    key_salt = "accounts.links.PasswordLinks"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        state = f"{user.proved_since}{user.password}" if user.email_proved else ""
        return f"{user.pk}{user.email}{timestamp}{state}"


password_links = PasswordLinks()


def _signer(address: str) -> signing.TimestampSigner:
    return signing.TimestampSigner(sep=".", salt=f"accounts.links:{address}")
