"""Who comes in: registering, signing in, changing the password."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.addresses import normal_address
from accounts.errors import InvalidCredentials, WrongPassword
from accounts.messages import (
    send_link_for_a_new_password,
    send_link_to_prove,
    tell_password_changed,
)
from accounts.models import AddressChange, User
from accounts.names import write_name
from accounts.passwords import is_right, renewed
from accounts.throttling import Budget, SignInAttempt, begin_reset
from common.transactions import operation

R = TypeVar("R")


def register(
    *,
    email: str,
    password: str,
    display_name: str,
    referral_code: str = "",
    time_zone: str = "UTC",
) -> User:
    """A new student, who is sent a link to prove the address.

    Raises Django's `ValidationError`, which names each field that is wrong.

    Only the database says that an address is taken. So of two people who register at once, one
    becomes a user and the other is told the same as someone who comes a day later.
    """
    user = User(email=email, display_name=display_name.strip(), time_zone=time_zone)
    _validate(user, password)
    user.referred_by = _referrer(referral_code)
    user.set_password(password)
    try:
        _save(user)
    except IntegrityError as error:
        if not User.objects.filter(email=user.email).exists():
            raise
        message = "An account with this email address already exists."
        raise ValidationError({"email": ValidationError(message, "email_taken")}) from error
    return user


def sign_in(*, email: str, password: str, address: str, opens: Callable[[User], R]) -> R:
    """What `opens` gives for the active user with this email address and password.

    It opens a session, or a family of tokens, in the transaction that gives the attempt back, and
    is called again if that is tried again. An old hash of the password is renewed. Raises
    `InvalidCredentials`, after the same work for an unknown address as for a wrong password, or
    `TooManyAttempts`, even if the password is right.
    """
    user, succeed = _check(email=email, password=password, address=address)
    new_hash = renewed(password, user)

    @operation
    def enter() -> R:
        if new_hash:
            _renew(user, new_hash, password)
        succeed(user)
        return opens(user)

    return enter()


def confirm_password(*, user: User, password: str, address: str) -> User:
    """Check the password again before something serious is done; gives the user who has it.

    Raises `WrongPassword`, or `TooManyAttempts`: a wrong password counts as it does at sign-in.
    """
    try:
        checked, succeed = _check(email=user.email, password=password, address=address)
    except InvalidCredentials as error:
        raise WrongPassword from error
    if checked != user:
        raise WrongPassword
    succeed(checked)
    return checked


def _check(*, email: str, password: str, address: str) -> tuple[User, Callable[[User], None]]:
    """The user with this password, and what gives the attempt back, which is taken by now."""
    attempt = SignInAttempt(normal_address(email), address)
    user, taken = _begin(attempt)
    right = is_right(password, user)
    if user is None or not right:
        raise InvalidCredentials
    return user, partial(attempt.succeed, taken=taken)


@operation
def _begin(attempt: SignInAttempt) -> tuple[User | None, Sequence[Budget]]:
    user = User.objects.filter(email=attempt.email).first()
    return user, attempt.begin(user)


def _renew(user: User, new_hash: str, password: str) -> None:
    """Replace the hash of a user's password; if it was changed meanwhile, the new one counts.

    The password is the same, so a change of address that was asked for with it goes on waiting.
    """
    asked_with = user.get_session_auth_hash()
    if User.objects.as_found(user).update(password=new_hash):
        user.password = new_hash
        waiting = AddressChange.objects.filter(pk=user.pk, asked_with=asked_with)
        waiting.update(asked_with=user.get_session_auth_hash())
        return
    user.refresh_from_db(fields=["password"])
    if not is_right(password, user):
        raise InvalidCredentials


def change_password(*, user: User, current_password: str, new_password: str, address: str) -> None:
    """Set a new password, which ends every existing session and token; the address stays known.

    Raises Django's `ValidationError`, which names the field that is wrong, or `TooManyAttempts`.
    """
    try:
        confirmed = confirm_password(user=user, password=current_password, address=address)
        set_password(user=confirmed, new_password=new_password)
    except WrongPassword as error:
        raise ValidationError({"current_password": str(error)}) from error
    user.password = confirmed.password
    SignInAttempt(user.email, address).know(user)


@operation
def ask_for_new_password(*, email: str, address: str) -> None:
    """Email a link for a new password to the owner of this address, if there is one.

    Raises `TooManyAttempts` whether or not the account exists. Counting and mailing are one
    transaction, so that the time it takes reveals little.
    """
    begin_reset(email, address)
    user = User.objects.filter(email=email, is_active=True).first()
    if user and user.has_usable_password():
        send_link_for_a_new_password(user)


def set_password(*, user: User, new_password: str) -> None:
    """Set a password for a user who has proved who they are; it ends what `change_password` ends.

    The user is told; a repeat tells them again. Raises Django's `ValidationError`, which names the
    field, or `WrongPassword` if the password isn't the one that the user was found with: somebody
    else has set another since. Locks the user.
    """
    try:
        validate_password(new_password, user)
    except ValidationError as error:
        raise ValidationError({"new_password": error}) from error
    new_hash = make_password(new_password)
    replace_password(user, new_hash)
    user.password = new_hash


@operation
def replace_password(user: User, new_hash: str) -> None:
    """Replace the hash that a user was found with, and tell them; else raises `WrongPassword`.

    The user in hand keeps the old one, with which it is tried again. Locks the user.
    """
    if not User.objects.as_found(user).update(password=new_hash):
        raise WrongPassword
    tell_password_changed(user)


@operation
def change_profile(*, user: User, display_name: str, time_zone: str) -> None:
    """Set the user's display name and time zone, unless their password has been changed since.

    A hand-over ends the name that the account's maker chose. A teacher is found by the new name.
    Raises Django's `ValidationError`, which names each field that is wrong; then nothing changed.
    Locks the user.
    """
    changed = User(display_name=display_name.strip(), time_zone=time_zone)
    fields = {"display_name", "time_zone"}
    changed.clean_fields(exclude={field.name for field in User._meta.fields} - fields)
    user.display_name, user.time_zone = changed.display_name, changed.time_zone
    as_found = User.objects.as_found(user)
    if as_found.update(display_name=user.display_name, time_zone=user.time_zone):
        write_name(user.pk)


def _validate(user: User, password: str) -> None:
    errors: dict[str, list[ValidationError]] = {}
    try:
        user.clean_fields(exclude={"password", "referral_code", "referred_by"})
    except ValidationError as error:
        errors = error.update_error_dict(errors)
    try:
        validate_password(password, user)
    except ValidationError as error:
        errors["password"] = error.error_list
    if errors:
        raise ValidationError(errors)


def _referrer(code: str) -> User | None:
    if not code.strip():
        return None
    referrer: User | None = User.objects.of_referral_code(code).first()
    if not referrer:
        message = "This referral code doesn't exist."
        raise ValidationError({"referral_code": ValidationError(message, "unknown")})
    return referrer


@operation
def _save(user: User) -> None:
    user.save(force_insert=True)
    send_link_to_prove(user, user.email)
