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
    if _is_stopped(notice, mailbox) and not (kind and kind.proves):
        return f"The address was refused: {mailbox.refusal}"
    return ""


def _is_stopped(notice: Notice, mailbox: Mailbox) -> bool:
    return bool(mailbox.stopped_address) and mailbox.stopped_address == address_of(notice)
