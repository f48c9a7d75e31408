"""Who comes in: registering, signing in, changing the password."""

from django.contrib.auth import authenticate
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
from accounts.models import User
from accounts.throttling import SignInAttempt, begin_reset, prune
from common.transactions import operation


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


def sign_in(*, email: str, password: str, address: str) -> User:
    """The active user with this email address and password.

    Raises `InvalidCredentials`, after the same work for an unknown address as for a wrong password,
    or `TooManyAttempts`, even if the password is right.
    """
    email = normal_address(email)
    attempt = SignInAttempt(email, address)
    prune()
    taken = attempt.begin()
    user = authenticate(username=email, password=password)
    if not isinstance(user, User):
        raise InvalidCredentials
    attempt.succeed(taken)
    return user


def confirm_password(*, user: User, password: str, address: str) -> None:
    """Check the password again before something serious is done.

    Raises `WrongPassword`, or `TooManyAttempts`: a wrong password counts as it does at sign-in.
    """
    try:
        sign_in(email=user.email, password=password, address=address)
    except InvalidCredentials as error:
        raise WrongPassword from error


def change_password(*, user: User, current_password: str, new_password: str, address: str) -> None:
    """Set a new password, which ends every existing session and token.

    Raises Django's `ValidationError`, which names the field that is wrong, or `TooManyAttempts`.
    """
    try:
        confirm_password(user=user, password=current_password, address=address)
    except WrongPassword as error:
        raise ValidationError({"current_password": str(error)}) from error
    set_password(user=user, new_password=new_password)


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


@operation
def set_password(*, user: User, new_password: str) -> None:
    """Set a password for a user who has proved who they are; it ends what `change_password` ends.

    The user is told; a repeat tells them again. Raises Django's `ValidationError`, which names the
    field. Locks the user.
    """
    try:
        validate_password(new_password, user)
    except ValidationError as error:
        raise ValidationError({"new_password": error}) from error
    user.set_password(new_password)
    user.save(update_fields=["password"])
    tell_password_changed(user)


def change_profile(*, user: User, display_name: str, time_zone: str) -> None:
    """Set the user's display name and time zone.

    Raises Django's `ValidationError`, which names each field that is wrong; then nothing changed.
    """
    changed = User(display_name=display_name.strip(), time_zone=time_zone)
    fields = {"display_name", "time_zone"}
    changed.clean_fields(exclude={field.name for field in User._meta.fields} - fields)
    user.display_name, user.time_zone = changed.display_name, changed.time_zone
    user.save(update_fields=fields)


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
