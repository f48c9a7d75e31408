"""Why an email is not sent, as things stand when it would be."""

from django.utils import timezone

from notices.choices import is_off
from notices.kinds import address_of, kind_of
from notices.models import Mailbox, Notice


def why_not(notice: Notice, mailbox: Mailbox) -> str:
    """The reason, or an empty text if there is none. Reads `notice.reader`."""
    kind = kind_of(notice)
    if notice.until and notice.until <= timezone.now():
        return "It came too late."
    if kind and kind.group and not notice.reader.is_active:
        return "The account is deactivated."
    if kind and kind.group and is_off(notice.reader_id, kind.group):
        return f"The reader turned {kind.group.label.lower()} off."
    if kind and kind.proves:
        return ""
    if _is_stopped(notice, mailbox):
        return f"The address was refused: {mailbox.refusal}"
    return _unproved(notice)


def _unproved(notice: Notice) -> str:
    """Nothing from before is sent later: it was a notice on the site, and is past.

    Whether another address may be written to is for the kind to say that names it.
    """
    if address_of(notice) != notice.reader.email:
        return ""
    since = notice.reader.proved_since
    if since is None:
        return "The address isn't confirmed."
    return "It is from before the address was confirmed." if notice.created_at < since else ""


def _is_stopped(notice: Notice, mailbox: Mailbox) -> bool:
    return bool(mailbox.stopped_address) and mailbox.stopped_address == address_of(notice)
