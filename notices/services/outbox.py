"""What goes into the outbox, and what staff send again."""

from collections.abc import Iterable
from uuid import UUID

from common.locks import Rank, take
from common.transactions import operation
from common.writing import insert
from notices.errors import NoMailToSend
from notices.models import Mailbox, Notice

AT_ONCE = 1000


@operation
def put(notices: Iterable[Notice]) -> None:
    """Tell each reader once, if and only if the caller's transaction commits.

    Called last in it: one INSERT for up to `AT_ONCE` readers, no lock but on what it adds. What a
    reader was told before (by its `dedupe_key`) adds nothing and raises nothing.
    """
    # In one order, so that two who tell the same readers do not wait for each other in a circle.
    rows = sorted(notices, key=lambda notice: notice.dedupe_key)
    for start in range(0, len(rows), AT_ONCE):
        insert(rows[start : start + AT_ONCE], once_by="dedupe_key")


def is_sendable(notice: Notice) -> bool:
    """Whether it is a mail that does not wait to go out anyway."""
    return notice.mail not in (Notice.Mail.NONE, Notice.Mail.WAITING)


@operation
def send_again(*, notice_id: UUID) -> None:
    """Have a mail go out once more, whatever became of it, and however old it is.

    Raises `NoMailToSend` for what is no mail, and where it waits already. Locks the notice.
    """
    take(Rank.NOTICE, notice_id)
    notice = Notice.objects.locked().get(pk=notice_id)
    if not is_sendable(notice):
        raise NoMailToSend
    notice.mail, notice.mailed_at, notice.until = Notice.Mail.WAITING, None, None
    notice.save(update_fields=["mail", "mailed_at", "until"])


@operation
def try_address_again(*, reader_id: UUID) -> None:
    """Let mails go to an address that was refused for good. A repeat changes nothing."""
    Mailbox.objects.filter(pk=reader_id).update(
        stopped_address="", stopped_at=None, refusal="", failures=0, rests_until=None
    )
