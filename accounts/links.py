"""Links that prove an address, sealed with SECRET_KEY, so that no row gives access.

The address is sealed but not contained, so a link can be logged without naming anyone.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing


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


def _signer(address: str) -> signing.TimestampSigner:
    return signing.TimestampSigner(sep=".", salt=f"accounts.links:{address}")
