"""Readers choose which emails they get."""

from collections.abc import Collection
from uuid import UUID

from common.transactions import operation
from notices.choices import is_off
from notices.kinds import Group
from notices.models import TurnedOff


def turn_off(*, reader_id: UUID, group: Group) -> None:
    """Send a reader no more emails of this group, waiting ones included. A repeat writes nothing.

    The reader exists: see `find_choice`.
    """
    if not is_off(reader_id, group):
        choose_emails(reader_id=reader_id, on=(), off=[group])


@operation
def choose_emails(*, reader_id: UUID, on: Collection[Group], off: Collection[Group]) -> None:
    """Turn emails on and off for a reader; groups in neither stay. A repeat changes nothing."""
    TurnedOff.objects.filter(reader=reader_id, group__in=on).delete()
    rows = [TurnedOff(reader_id=reader_id, group=group) for group in off]
    TurnedOff.objects.bulk_create(rows, ignore_conflicts=True)
