"""Puts notices into the outbox, and emails that staff send again."""

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from django.contrib.auth import get_user_model

from common.locks import Rank, take
from common.transactions import at_last, operation
from common.writing import insert
from notices.errors import NoMailToSend
from notices.models import Mailbox, Notice

AT_ONCE = 1000


@operation
def put(notices: Iterable[Notice]) -> None:
    """Tell each reader once, if and only if the caller's transaction commits.

    It comes last in the transaction, whatever follows this call: one INSERT for up to `AT_ONCE`
    readers, which locks only what it adds, and nothing may wait behind it. What a reader has
    already been told (by `dedupe_key`) adds nothing and raises nothing.
    """
    # In one order, so that two transactions that tell the same readers never deadlock.
    rows = sorted(notices, key=lambda notice: notice.dedupe_key)
    at_last(partial(_insert, rows))


def _insert(rows: Sequence[Notice]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        insert(rows[start : start + AT_ONCE], once_by="dedupe_key")


def is_sendable(notice: Notice) -> bool:
    """Whether it has an email that isn't already waiting to be sent."""
    return notice.mail not in (Notice.Mail.NONE, Notice.Mail.WAITING)


@operation
def send_again(*, notice_id: UUID) -> None:
    """Have an email sent again, whatever happened to it and however old it is.

    Raises `NoMailToSend` if there is no email, or it is already waiting. Locks the notice.
    """
    take(Rank.NOTICE, notice_id)
    notice = Notice.objects.locked().get(pk=notice_id)
    if not is_sendable(notice):
        raise NoMailToSend
    notice.mail, notice.mailed_at, notice.until = Notice.Mail.WAITING, None, None
    notice.save(update_fields=["mail", "mailed_at", "until"])


@operation
def try_address_again(*, reader_id: UUID) -> None:
    """Try an address again that was refused for good. A repeat changes nothing."""
    Mailbox.objects.filter(pk=reader_id).update(
        stopped_address="", stopped_at=None, refusal="", failures=0, rests_until=None
    )
    get_user_model()._default_manager.filter(pk=reader_id).update(email_refused=False)
