"""Readers say that they have read what they were told, and that they know."""

from uuid import UUID

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from common.errors import NotFound
from common.transactions import operation
from notices.models import Notice


@operation
def read_notice(*, reader_id: UUID, notice_id: UUID) -> Notice:
    """Note that a reader has read a notice; gives it. A repeat changes nothing.

    Raises `NotFound` for somebody else's, and for what is no notice but a mail alone. Locks it.
    """
    return _note(reader_id, notice_id, "read_at")


@operation
def acknowledge_notice(*, reader_id: UUID, notice_id: UUID) -> Notice:
    """Note that a reader knows what a notice says, and has read it; else as `read_notice`."""
    return _note(reader_id, notice_id, "read_at", "acknowledged_at")


@operation
def read_all_notices(*, reader_id: UUID) -> None:
    """Note that a reader has read all that there is; what is to be acknowledged still is."""
    Notice.objects.shown_to(reader_id).unread().update(read_at=timezone.now())


def _note(reader_id: UUID, notice_id: UUID, *names: str) -> Notice:
    now = Value(timezone.now())
    mine = Notice.objects.shown_to(reader_id).filter(pk=notice_id)
    mine.update(**{name: Coalesce(F(name), now) for name in names})
    for notice in mine.select_related("reader"):
        return notice
    raise NotFound
