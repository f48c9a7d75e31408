"""Addresses: proved by a link or by a new password, and changed to others."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import links
from accounts.errors import AddressTaken, AlreadyProved, LinkNotValid
from accounts.messages import (
    send_link_to_prove,
    tell_address_changed,
    tell_address_taken,
    tell_change_asked,
)
from accounts.models import AddressChange, User
from accounts.services import confirm_password, set_password
from accounts.signals import handed_over
from accounts.throttling import begin_proof
from common.transactions import operation
from notices.services.outbox import try_address_again


@operation
def send_link_again(*, user: User, address: str) -> str:
    """Email another link to the new address, if one is waiting, or else to the current one.

    Gives where it goes. A repeat sends another. Raises `AlreadyProved` if there is nothing to
    prove, or `TooManyAttempts`.
    """
    if user.new_email:
        begin_proof(account=user.pk, to=user.new_email, address=address)
        _send_link(user, user.new_email)
        return user.new_email
    if user.email_proved and not user.email_refused:
        raise AlreadyProved
    begin_proof(account=user.pk, to=str(user.pk), address=address)
    send_link_to_prove(user, user.email)
    return user.email


def ask_to_change_address(*, user: User, email: str, password: str, address: str) -> str:
    """Have another address replace the user's once it is proved; gives its normal form.

    An address that is taken gets the same answer, and its owner is told. The current address is
    told in any case. A repeat replaces the change that is waiting. Raises Django's
    `ValidationError`, which names the field that is wrong; `WrongPassword`, `TooManyAttempts`.
    """
    confirm_password(user=user, password=password, address=address)
    # Its hash may have been renewed on the way, and a link for the old one would be dead.
    user.refresh_from_db(fields=["password"])
    change = AddressChange(
        user=user,
        email=email,
        asked_with=user.get_session_auth_hash(),
        expires_at=timezone.now() + links.lifetime(),
    )
    change.clean_fields()
    if change.email == user.email:
        raise ValidationError({"email": "This is your address already."})
    _keep(change, address)
    return change.email


@operation
def _keep(change: AddressChange, address: str) -> None:
    user, email = change.user, change.email
    begin_proof(account=user.pk, to=email, address=address)
    AddressChange.objects.update_or_create(
        user=user,
        defaults={
            "email": email,
            "asked_with": change.asked_with,
            "expires_at": change.expires_at,
        },
    )
    tell_change_asked(user, email)
    _send_link(user, email)


def _send_link(user: User, email: str) -> None:
    owner = User.objects.filter(email=email).exclude(pk=user.pk).first()
    if owner:
        tell_address_taken(owner)
    else:
        send_link_to_prove(user, email)


def keep_address(*, user: User) -> None:
    """Give up the change of address that is waiting. A repeat changes nothing."""
    AddressChange.objects.filter(pk=user.pk).delete()


def find_proof(token: str) -> tuple[User, str] | None:
    """Whose link it is, and the address that it proves; None if it no longer works.

    That is the user's own address, even if it is proved already, or the one that is to replace it.
    """
    user = User.objects.filter(pk=links.user_in(token), is_active=True).first()
    if user is None:
        return None
    for address in filter(None, (user.email, user.new_email)):
        if links.proves(token, address):
            return user, address
    return None


def prove_address(token: str) -> User:
    """The address of a link reaches its user, who pressed the button: it is theirs from now on.

    It lifts a stop of mails, and makes a change of address. A repeat changes nothing. Raises
    `LinkNotValid`; `AddressTaken` if another account has got the address since. Only the database
    says so: of two who prove one address at once, one gets it.
    """
    if (proof := find_proof(token)) is None:
        raise LinkNotValid
    user, address = proof
    try:
        _prove(user, address)
    except IntegrityError as error:
        if not User.objects.filter(email=address).exclude(pk=user.pk).exists():
            raise
        raise AddressTaken from error
    return user


@operation
def use_password_link(*, user: User, new_password: str) -> None:
    """Set a password for a user who followed a link in a mail, which proves their address too.

    Raises and ends what `set_password` does. If nobody had proved the address, someone else may
    have made the account, so what they could still read of it ends too, and the
    referral that came with it.
    """
    _prove(user, user.email)
    set_password(user=user, new_password=new_password)
    if not user.email_proved:
        User.objects.filter(pk=user.pk).update(referred_by=None)
        handed_over.send(User, user=user)


@operation
def doubt_address(*, user: User, old: str) -> None:
    """Have a user prove the address that staff gave them instead of the `old` one, if any.

    A change that was waiting ends; the old address is told. A repeat does it again.
    """
    was_proved = user.email_proved
    user.proved_since, user.email_refused = None, False
    user.save(update_fields=["proved_since", "email_refused"])
    keep_address(user=user)
    try_address_again(reader_id=user.pk)
    send_link_to_prove(user, user.email)
    if old:
        tell_address_changed(user, old=old, was_proved=was_proved, new=user.email)


@operation
def _prove(user: User, address: str) -> None:
    """Locks the mailbox and the user.

    The password is compared too: a change of address ends with it, even at the last moment.
    """
    try_address_again(reader_id=user.pk)
    as_found = User.objects.filter(pk=user.pk, email=user.email, password=user.password)
    proved = as_found.update(
        email=address,
        email_refused=False,
        proved_since=Coalesce("proved_since", Value(timezone.now())),
    )
    if not proved:
        _by_a_repeat(user, address)
    elif address != user.email:
        waiting = AddressChange.objects.filter(pk=user.pk, email=address)
        if not waiting.delete()[0]:
            raise LinkNotValid
        tell_address_changed(user, old=user.email, was_proved=user.email_proved, new=address)


def _by_a_repeat(user: User, address: str) -> None:
    """Two presses of one button: the second finds it done. Raises `LinkNotValid` otherwise."""
    if not User.objects.filter(pk=user.pk, email=address).exists():
        raise LinkNotValid
