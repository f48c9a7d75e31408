"""Payout details are sealed before they are stored, and only their end is shown."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

# Long enough that the last four characters reveal little of it.
MIN_LENGTH, MAX_LENGTH = 12, 500


def seal(text: str) -> str:
    """`text` as it may be stored: sealed with the first of the keys."""
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text again, whichever of the keys sealed it. Raises `InvalidToken` if none did."""
    return _keys().decrypt(sealed.encode()).decode()


def hint(sealed: str) -> str:
    """`•••• 1332`: enough for people to recognise their own account, and useless to others."""
    try:
        text = unseal(sealed)
    except InvalidToken:  # the key is gone: the payer has to know, but a list need not fail
        return "••••"
    return f"•••• {text.strip()[-4:]}"


def _keys() -> MultiFernet:
    """The secret key is always among them, so that a first separate key locks nothing out."""
    return MultiFernet([_key(secret) for secret in (*settings.PAYOUT_KEYS, settings.SECRET_KEY)])


def _key(secret: str) -> Fernet:
    digest = salted_hmac("payments.sealing", "", secret=secret, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(digest))
