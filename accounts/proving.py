"""Addresses: proved by a link or by a new password, and changed to others."""

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import links
from accounts.errors import AddressTaken, AlreadyProved, LinkNotValid
from accounts.introducing import forget_introduction
from accounts.messages import (
    address_changed,
    address_taken,
    change_asked,
    link_to_prove,
    send_link_to_prove,
)
from accounts.models import AddressChange, User
from accounts.names import write_name
from accounts.services import confirm_password, replace_password
from accounts.signals import handed_over
from accounts.throttling import begin_change, begin_proof
from common.transactions import operation
from notices.kinds import Group
from notices.models import Notice
from notices.services.choosing import choose_emails
from notices.services.outbox import put, try_address_again

# The name of an account whose maker chose it, and is gone.
NAMELESS = "Unnamed"


@dataclass(frozen=True)
class Proof:
    """What a link can prove: that this address is its user's own, or is to replace it."""

    user: User
    address: str

    @property
    def is_known(self) -> bool:
        """Whether it has been proved before."""
        return self.address == self.user.email and self.user.email_proved

    def counts_for(self, visitor: User | None) -> bool:
        """Whether it is enough that this visitor reads the mail of the address.

        Anyone can give the address of a stranger, who then gets the link. So an address is proved
        by someone who has both, the mail and the account.
        """
        return self.is_known or visitor == self.user


@operation
def send_link_again(*, user: User, address: str) -> str:
    """Email another link to the new address, if one is waiting, or else to the current one.

    Gives where it goes. A repeat sends another. Raises `AlreadyProved` if there is nothing to
    prove, or `TooManyAttempts`. A new address that others ask for too may get none.
    """
    if user.new_email:
        put(_link(user, user.new_email, address))
        return user.new_email
    if user.email_proved and not user.email_refused:
        raise AlreadyProved
    begin_proof(account=user.pk, address=address)
    send_link_to_prove(user, user.email)
    return user.email


def ask_to_change_address(*, user: User, email: str, password: str, address: str) -> str:
    """Have another address replace the user's once it is proved; gives its normal form.

    An address that is taken gets the same answer, and its owner is told. The current address is
    told in any case. A repeat replaces the change that is waiting. Raises Django's
    `ValidationError`, which names the field that is wrong; `WrongPassword`, `TooManyAttempts`.
    """
    confirm_password(user=user, password=password, address=address)
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
    link = _link(user, email, address)
    AddressChange.objects.update_or_create(
        user=user,
        defaults={
            "email": email,
            "asked_with": change.asked_with,
            "expires_at": change.expires_at,
        },
    )
    put([change_asked(user, email), *link])


def _link(user: User, email: str, address: str) -> list[Notice]:
    """What a new address is sent, if anything. Raises `TooManyAttempts`."""
    if not begin_change(account=user.pk, proved=user.email_proved, to=email, address=address):
        return []
    owner = User.objects.filter(email=email).exclude(pk=user.pk).first()
    return [address_taken(owner) if owner else link_to_prove(user, email)]


def keep_address(*, user: User) -> None:
    """Give up the change of address that is waiting. A repeat changes nothing."""
    AddressChange.objects.filter(pk=user.pk).delete()


def find_proof(token: str) -> Proof | None:
    """What a link proves; None if it no longer works. That may have been proved already."""
    # In one SELECT: between two, a press of the same button makes the change.
    users = User.objects.select_related("address_change")
    user = users.filter(pk=links.user_in(token), is_active=True).first()
    if user is None:
        return None
    for address in filter(None, (user.email, user.new_email)):
        if links.proves(token, address):
            return Proof(user, address)
    return None


def prove_address(
    token: str, *, visitor: User | None, password: str = "", address: str = ""
) -> User:
    """The address of a link reaches its user, who pressed the button: it is theirs from now on.

    Unless the visitor is logged in as that user, a first proof takes the password as well. It lifts
    a stop of mails, and makes a change of address. A repeat changes nothing. Raises `LinkNotValid`;
    `WrongPassword`, `TooManyAttempts`; `AddressTaken` if another account has got the address since.
    Only the database says so: of two who prove one address at once, one gets it.
    """
    if (proof := find_proof(token)) is None:
        raise LinkNotValid
    if not proof.counts_for(visitor):
        confirm_password(user=proof.user, password=password, address=address)
    try:
        _prove(proof.user, proof.address)
    except IntegrityError as error:
        others = User.objects.filter(email=proof.address).exclude(pk=proof.user.pk)
        if not others.exists():
            raise
        raise AddressTaken from error
    return proof.user


def use_password_link(*, user: User, new_password: str, visitor: User | None) -> bool:
    """Set a password for a user who followed a link in a mail, which proves their address too.

    The password has been validated. It ends what `set_password` ends. Gives whether the account was
    handed over: if nobody had proved the address, someone else may have made it, unless the visitor
    is logged in as its user, or staff know whose it is. Raises `LinkNotValid` if the account has
    changed since the link was found to be good; then nothing is proved or set.
    """
    is_known = user.email_vouched or Proof(user, user.email).counts_for(visitor)
    new_hash = make_password(new_password)
    _use(user, new_hash, is_strangers=not is_known)
    user.password = new_hash
    return not is_known


@operation
def _use(user: User, new_hash: str, *, is_strangers: bool) -> None:
    if not _prove_as_found(user, user.email):
        raise LinkNotValid
    if is_strangers:
        _hand_over(user)
    replace_password(user, new_hash)


def _hand_over(user: User) -> None:
    """Take from the maker of the account what they could still read of it or earn by it.

    What they chose ends too: its name, what it shows as a teacher, which emails are turned off.
    """
    User.objects.filter(pk=user.pk).update(referred_by=None, display_name=NAMELESS)
    write_name(user.pk)
    forget_introduction(user)
    choose_emails(reader_id=user.pk, on=list(Group), off=())
    handed_over.send(User, user=user)


@operation
def doubt_address(*, user: User, old: str) -> None:
    """Have a user prove the address that staff gave them instead of the `old` one, if any.

    Staff vouch for it if they know whose account it is: they made it, or its user had proved an
    address. Someone who made it with an address that nobody proved may be a stranger to the owner
    of the new one, too. A change that was waiting ends; the old address is told. A repeat does it
    again.
    """
    was_proved = user.email_proved
    user.email_vouched = user.email_vouched or was_proved or not old
    user.proved_since, user.email_refused = None, False
    user.save(update_fields=["proved_since", "email_vouched", "email_refused"])
    keep_address(user=user)
    try_address_again(reader_id=user.pk)
    told = [link_to_prove(user, user.email)]
    if old:
        told.append(address_changed(user, old=old, was_proved=was_proved, new=user.email))
    put(told)


def _prove_as_found(user: User, address: str) -> bool:
    """Whether the user still had the address and password that they were found with.

    The password is compared too: a change of address ends with it, even at the last moment. Locks
    the mailbox and the user.
    """
    try_address_again(reader_id=user.pk)
    as_found = User.objects.as_found(user).filter(email=user.email)
    proved = as_found.update(
        email=address,
        email_refused=False,
        proved_since=Coalesce("proved_since", Value(timezone.now())),
    )
    return bool(proved)


@operation
def _prove(user: User, address: str) -> None:
    if not _prove_as_found(user, address):
        _by_a_repeat(user, address)
    elif address != user.email:
        waiting = AddressChange.objects.filter(pk=user.pk, email=address)
        if not waiting.delete()[0]:
            raise LinkNotValid
        put([address_changed(user, old=user.email, was_proved=user.email_proved, new=address)])


def _by_a_repeat(user: User, address: str) -> None:
    """Two presses of one button: the second finds it done. Raises `LinkNotValid` otherwise."""
    if not User.objects.filter(pk=user.pk, email=address).exists():
        raise LinkNotValid
