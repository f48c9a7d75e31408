"""Tokens for links that work without logging in. No row holds one, so no row gives access."""

import base64
import binascii

from django.utils.crypto import constant_time_compare, salted_hmac

from common.errors import NotFound

_SEAL = 16  # bytes


def sealed(purpose: str, said: bytes) -> str:
    """A token that says this, for one purpose; it lasts as long as SECRET_KEY."""
    seal = salted_hmac(purpose, said, algorithm="sha256").digest()[:_SEAL]
    return base64.urlsafe_b64encode(said + seal).rstrip(b"=").decode()


def unsealed(purpose: str, token: str) -> bytes:
    """What a token says. Raises `NotFound` unless it was sealed for this purpose, to the letter."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise NotFound from None
    said = raw[:-_SEAL]
    if not constant_time_compare(token, sealed(purpose, said)):
        raise NotFound
    return said
