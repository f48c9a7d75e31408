"""Which sender has a reader's mailbox: what senders record, each time in its own transaction.

A sender claims readers, not emails, so that each reader's emails are sent in order. The claim is
committed before anything is sent, and expires by the clock of the database, which all senders
share.
"""

import os
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from common.shapes import Sql
from common.transactions import operation
from common.writing import insert
from notices.models import Mailbox, MailServer, Notice

LONGEST_PAUSE = timedelta(hours=1)
SERVER_LONGEST_PAUSE = timedelta(minutes=5)
# By then an email has been refused for some five days.
TRIES = 128


class DatabaseNow(Now):
    """UTC, whatever the server's time zone."""

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **more: Any) -> Sql:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **more)


@dataclass(frozen=True)
class Claim:
    """This sender has a reader's mailbox, and finishes sending by `deadline` (monotonic)."""

    reader_id: UUID
    name: str
    deadline: float


def due_readers(at_most: int, *, without: Collection[UUID] = ()) -> list[UUID]:
    """Readers whose emails can be sent now, without these.

    First readers waiting for an email that isn't a notice, such as a link they requested; then
    those who have waited longest.
    """
    readers = _due().exclude(reader__in=without).values_list("reader_id")
    # From one table: if it were joined with users, MariaDB might start there and look at every
    # reader.
    since = readers.annotate(least=Min("is_notice"), first=Min("created_at"))
    return [key for key, *_ in since.order_by("least", "first")[:at_most]]


def is_anything_due() -> bool:
    """Whether an email can be sent now."""
    return _due().exists()


def addresses_of(readers: Collection[UUID]) -> dict[UUID, str]:
    """The current address of each of these readers."""
    people = get_user_model()._default_manager.filter(pk__in=readers)
    return dict(people.values_list("pk", "email"))


def waiting_of(reader_id: UUID) -> list[Notice]:
    """A reader's waiting emails, in the order in which they were written."""
    mine = Notice.objects.filter(reader=reader_id, mail=Notice.Mail.WAITING)
    return list(mine.order_by("pk"))


def mailbox_of(reader_id: UUID) -> Mailbox:
    """A reader's mailbox, which a claim has opened, with the reader."""
    return Mailbox.objects.select_related("reader").get(pk=reader_id)


def claim(reader_id: UUID) -> Claim | None:
    """Claim the reader's mailbox for this sender with one UPDATE; None while another has it."""
    name = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid4().hex}"
    if not Mailbox.objects.filter(pk=reader_id).exists():
        _open_mailbox(reader_id)
    return _take(Mailbox.objects.filter(_can_go(), pk=reader_id), reader_id, name)


def keep(held: Claim) -> Claim | None:
    """Extend the claim for one more email; None once it has run out and may be another's."""
    mine = Mailbox.objects.filter(
        pk=held.reader_id, claimed_by=held.name, claimed_until__gt=DatabaseNow()
    )
    return _take(mine, held.reader_id, held.name)


@operation
def release(held: Claim, **changes: Any) -> None:
    """Release the mailbox with these changes; does nothing if another sender has it by now."""
    Mailbox.objects.filter(pk=held.reader_id, claimed_by=held.name).update(
        claimed_by="", claimed_until=None, **changes
    )


def rest(held: Claim, failures: int) -> None:
    """Leave the mailbox alone for a while, which grows with each failure in a row."""
    pause = _pause(failures, LONGEST_PAUSE)
    release(held, failures=failures, rests_until=timezone.now() + pause)


@operation
def stop_address(mailbox: Mailbox, address: str, refusal: str) -> None:
    """Send no more email to an address that was refused for good.

    Its user is marked too, so that pages can say so without a statement more.
    """
    mailbox.stopped_address, mailbox.stopped_at = address, timezone.now()
    mailbox.refusal = refusal
    mailbox.save(update_fields=["stopped_address", "stopped_at", "refusal"])
    users = get_user_model()._default_manager
    users.filter(pk=mailbox.pk, email=address).update(email_refused=True)


def recovered(mailbox: Mailbox) -> None:
    """An email was accepted: the problem with the mailbox, or the server, is over."""
    if mailbox.failures:
        mailbox.failures = 0
        _forget_failures(mailbox)
    server_works()


@operation
def _forget_failures(mailbox: Mailbox) -> None:
    mailbox.save(update_fields=["failures"])


@operation
def note(notice: Notice, became: Notice.Mail, why: str = "") -> None:
    """Record what happened to an email. A repeat, or a note that comes late, changes nothing."""
    said = {"calendar": notice.calendar} if became == Notice.Mail.SENT else {}
    Notice.objects.filter(pk=notice.pk, mail=Notice.Mail.WAITING).update(
        mail=became, mailed_at=timezone.now(), mail_note=why, **said
    )


def server_rests() -> bool:
    """Whether the mail server failed and is left alone for a while."""
    return MailServer.objects.filter(rests_until__gt=timezone.now()).exists()


@operation
def server_failed(problem: str) -> None:
    """Leave the mail server alone for a while, which grows with each failure in a row.

    If several find it failing at once, it counts once.
    """
    now = timezone.now()
    insert([MailServer()], once_by="id")
    server = MailServer.objects.get()
    if server.rests_until and server.rests_until > now:
        return
    server.failures, server.problem = server.failures + 1, problem
    server.failing_since = server.failing_since or now
    server.rests_until = now + _pause(server.failures, SERVER_LONGEST_PAUSE)
    server.save()


def server_works() -> None:
    """It accepted an email: the problem is over. A repeat changes nothing."""
    if MailServer.objects.filter(failures__gt=0).exists():
        _forget_problem()


@operation
def _forget_problem() -> None:
    MailServer.objects.update(failures=0, failing_since=None, rests_until=None, problem="")


def _due() -> QuerySet:
    busy = Mailbox.objects.filter(~_can_go(), pk=OuterRef("reader"))
    return Notice.objects.filter(~Exists(busy), mail=Notice.Mail.WAITING)


def _can_go() -> Q:
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lte=DatabaseNow())
    rested = Q(rests_until=None) | Q(rests_until__lte=timezone.now())
    return unclaimed & rested


@operation
def _open_mailbox(reader_id: UUID) -> None:
    insert([Mailbox(reader_id=reader_id)], once_by="reader")


def _take(mailbox: QuerySet, reader_id: UUID, name: str) -> Claim | None:
    """Measured from before the UPDATE: however long that takes, the deadline comes first."""
    began = time.monotonic()
    lasts = timedelta(seconds=2 * settings.MAIL_SECONDS)

    @operation
    def take() -> int:
        return mailbox.update(claimed_by=name, claimed_until=DatabaseNow() + lasts)

    return Claim(reader_id, name, began + settings.MAIL_SECONDS) if take() else None


def _pause(failures: int, longest: timedelta) -> timedelta:
    doubled = min(failures - 1, 20)
    return min(timedelta(seconds=settings.MAIL_PAUSE_SECONDS) * 2**doubled, longest)
