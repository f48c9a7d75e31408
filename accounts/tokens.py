"""API tokens: a short-lived access token, and a family of refresh tokens used once each."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypedDict
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import aware_utcnow

from accounts.errors import TokenNotValid
from accounts.models import TokenFamily, User
from accounts.queries import users_by_key
from common.transactions import operation

# A client that lost an answer, or has two tabs, may send a token twice within moments: not theft.
GRACE = timedelta(seconds=5)
USER = "user_id"
FAMILY = "family"
JTI = "jti"
# Derived from the password's hash: changing the password ends all earlier tokens.
FINGERPRINT = "pwd"


class TokenPair(TypedDict):
    access: str
    refresh: str


@operation
def open_family(user: User) -> TokenPair:
    """Start a chain of refresh tokens for a user who has just proved who they are."""
    family = TokenFamily.objects.create(user=user, jti=uuid4().hex, expires_at=_expiry())
    return _pair(user, family.pk, family.jti)


def rotate(raw: str) -> TokenPair:
    """Exchange a refresh token, which is then used up, for a new pair.

    Only one of several parallel uses succeeds. A token that is used again ends its family, after a
    short grace period in which it is merely refused. Raises `TokenNotValid`; also for a deactivated
    user or a changed password.
    """
    token = _parse_refresh(raw)
    user = user_of(token)
    jti = uuid4().hex
    if not _use(token, jti):
        raise TokenNotValid
    return _pair(user, token[FAMILY], jti)


@operation
def end(raw: str) -> None:
    """End the family of a refresh token, used up or not. A repeat changes nothing.

    Raises `TokenNotValid` for anything but one of our refresh tokens.
    """
    family = _parse_refresh(raw).get(FAMILY)
    TokenFamily.objects.filter(pk=family, revoked_at=None).update(revoked_at=timezone.now())


def parse_access(raw: bytes) -> AccessToken:
    """A valid access token of ours; otherwise raises `TokenNotValid`."""
    try:
        token = _signed(raw)
        token.check_exp(current_time=aware_utcnow())
    except TokenError as error:
        raise TokenNotValid from error
    return token


# A client sends its token with every request, and its signature doesn't change.
@lru_cache(maxsize=4_096)
def _signed(raw: bytes) -> AccessToken:
    return AccessToken(raw)  # type: ignore[arg-type]


def _parse_refresh(raw: str) -> RefreshToken:
    try:
        return RefreshToken(raw)  # type: ignore[arg-type]
    except TokenError as error:
        raise TokenNotValid from error


def user_of(token: Token) -> User:
    """The user of a token, with one SELECT; raises `TokenNotValid` if it has been ended."""
    try:
        [user] = users_by_key(token[USER])
    except (KeyError, ValueError, ValidationError) as error:
        raise TokenNotValid from error
    if not (user.is_active and constant_time_compare(token.get(FINGERPRINT), _fingerprint(user))):
        raise TokenNotValid
    return user


@operation
def _use(token: Token, next_jti: str) -> bool:
    """Whether this use of a refresh token is its first, decided by one conditional UPDATE."""
    now = timezone.now()
    family = TokenFamily.objects.filter(pk=token.get(FAMILY), revoked_at=None)
    if family.filter(jti=token[JTI]).update(
        jti=next_jti, previous_jti=token[JTI], rotated_at=now, expires_at=_expiry()
    ):
        return True
    just_used = Q(previous_jti=token[JTI], rotated_at__gt=now - GRACE)
    family.exclude(just_used).update(revoked_at=now)
    return False


def _pair(user: User, family: UUID | str, jti: str) -> TokenPair:
    access, refresh = AccessToken(), RefreshToken()
    for token in (access, refresh):
        token[USER] = str(user.pk)
        token[FINGERPRINT] = _fingerprint(user)
    refresh[FAMILY] = str(family)
    refresh[JTI] = jti
    return {"access": str(access), "refresh": str(refresh)}


def _fingerprint(user: User) -> str:
    return user.get_session_auth_hash()


def _expiry() -> datetime:
    return timezone.now() + api_settings.REFRESH_TOKEN_LIFETIME
