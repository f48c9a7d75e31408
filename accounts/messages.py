"""What people are told about their accounts."""

from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from uuid_utils.compat import uuid7

from accounts import links
from accounts.models import LINK_KIND, TAKEN_KIND, User
from common.formats import address, counted, moment
from notices.kinds import Button, Kind, Letter, NoLongerTrue, register
from notices.models import Notice
from notices.services.outbox import put


def _link_for_a_new_password(notice: Notice) -> Letter:
    """It contains nothing that a user wrote, since anyone can ask for it to be sent."""
    user = notice.reader
    if not (user.is_active and user.has_usable_password()):
        raise NoLongerTrue("Nobody can log in with a password.")
    key = urlsafe_base64_encode(force_bytes(user.pk))
    token = links.password_links.make_token(user)
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
        proves=True,
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


def _link_to_prove(notice: Notice) -> Letter:
    """It too contains nothing that a user wrote: anyone can give a stranger's address as theirs."""
    user, email = notice.reader, notice.text("email")
    if not user.is_active:
        raise NoLongerTrue("The account is deactivated.")
    if email not in (user.email, user.new_email):
        raise NoLongerTrue("The account no longer asks for this address.")
    if email == user.email and user.email_proved and not user.email_refused:
        raise NoLongerTrue("The address is confirmed already.")
    return Letter(
        subject="Confirm your email address for talkplatform",
        lead="Someone, probably you, gave this email address for an account on talkplatform. "
        f"Confirm it within {counted(settings.PROOF_HOURS, 'hour')}, so that we can write to you "
        "here.\n\nIf it wasn't you, don't confirm it. You can ignore this email.",
        button=Button(
            "Confirm this address",
            reverse("accounts:prove_email", args=[links.token_for(user.pk, email)]),
        ),
    )


ADDRESS_TO_PROVE = register(
    Kind(
        name=LINK_KIND,
        to="everybody",
        told="the link by which to confirm an address: of a new account, a new one, or one that "
        "was refused",
        letter=_link_to_prove,
        address=lambda notice: notice.text("email"),
        proves=True,
    )
)


def link_to_prove(user: User, email: str) -> Notice:
    """A link to an address that the user says is theirs; each one is another."""
    return ADDRESS_TO_PROVE.tell(user.pk, about=uuid7(), facts={"email": email})


def send_link_to_prove(user: User, email: str) -> None:
    """Email a link to an address that the user says is theirs, as often as this is called."""
    put([link_to_prove(user, email)])


def _change_asked(notice: Notice) -> Letter:
    if not notice.facts.get("old_was_proved", True):
        raise NoLongerTrue("The address wasn't confirmed.")
    return Letter(
        subject="Someone asked to change your email address",
        lead="Someone, probably you, asked to change the email address of your talkplatform "
        "account. It changes once the new address is confirmed.\n\nIf this wasn't you, choose a "
        "new password now: that stops the change.",
        rows=(("New address", address(notice.text("new"))), ("When", moment(notice.created_at))),
        button=Button("Choose a new password", reverse("accounts:forgot_password")),
    )


CHANGE_ASKED = register(
    Kind(
        name="address_change_asked",
        to="everybody",
        told="at the current address, that it is about to be changed, and how to stop that",
        letter=_change_asked,
        # The change may be made before this is sent, and its owner must learn of it all the same.
        address=lambda notice: notice.text("old") or notice.reader.email,
    )
)


def change_asked(user: User, new: str) -> Notice:
    """Tells a user, each time, that their address is about to change."""
    facts = {"old": user.email, "old_was_proved": user.email_proved, "new": new}
    return CHANGE_ASKED.tell(user.pk, about=uuid7(), facts=facts)


def _changed(notice: Notice) -> Letter:
    if not notice.facts["old_was_proved"]:
        raise NoLongerTrue("The old address was never confirmed.")
    return Letter(
        subject="Your email address was changed",
        lead="The email address of your talkplatform account was changed, so this is the last "
        "email to the old one.\n\nIf this wasn't you, reply to this email now. You can no longer "
        "choose a new password with this address.",
        rows=(
            ("Old address", address(notice.text("old"))),
            ("New address", address(notice.text("new"))),
            ("When", moment(notice.created_at)),
        ),
    )


ADDRESS_CHANGED = register(
    Kind(
        name="address_changed",
        to="everybody",
        told="at the old address, that it was changed",
        letter=_changed,
        text=lambda notice: (
            f"Your email address was changed from {address(notice.text('old'))} to "
            f"{address(notice.text('new'))} on {moment(notice.created_at)}."
        ),
        page=lambda notice: reverse("accounts:profile"),
        address=lambda notice: notice.text("old"),
    )
)


def address_changed(user: User, *, old: str, was_proved: bool, new: str) -> Notice:
    """Tells a user, each time, that their address was changed: at the old one, if it was proved."""
    facts = {"old": old, "old_was_proved": was_proved, "new": new}
    return ADDRESS_CHANGED.tell(user.pk, about=uuid7(), facts=facts)


ADDRESS_TAKEN = register(
    Kind(
        name=TAKEN_KIND,
        to="the owner of an address",
        told="that someone wanted it for another account",
        letter=lambda notice: Letter(
            subject="Your email address already has an account",
            lead="Someone asked to use this email address for another account on talkplatform. It "
            "belongs to your account already, so nothing was changed.\n\nIf it was you, log in "
            "with this address. If you don't know the password, choose a new one. If it wasn't "
            "you, there is nothing to do.",
            rows=(("When", moment(notice.created_at)),),
            button=Button("Choose a new password", reverse("accounts:forgot_password")),
        ),
        text=lambda notice: (
            "Someone asked to use your email address for another account on "
            f"{moment(notice.created_at)}. Nothing was changed."
        ),
        page=lambda notice: reverse("accounts:profile"),
        # It leads to one that does. Someone else may have registered the address of its owner.
        proves=True,
    )
)


def address_taken(owner: User) -> Notice:
    """Tells the owner of an address, each time, that someone wanted it."""
    return ADDRESS_TAKEN.tell(owner.pk, about=uuid7())
