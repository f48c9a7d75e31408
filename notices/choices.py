"""Which emails a reader has turned off, and the links in them that turn them off."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import get_user_model
from django.urls import reverse

from common.errors import NotFound
from common.tokens import sealed, unsealed
from notices.kinds import Group
from notices.models import TurnedOff

ABOUT = {
    Group.REMINDERS: "Before a session that you booked or teach starts.",
    Group.ANNOUNCEMENTS: "What your teachers write to everyone in a course or session.",
    Group.DIGESTS: "What is waiting for staff, once a day.",
}
# Part of every link in emails already sent: another one would break them all.
_PURPOSE = "notices.choices"
_KEY = 16  # bytes


@dataclass(frozen=True)
class Choice:
    """Whether a reader gets the emails of a group, and what they are about."""

    group: Group
    about: str
    is_on: bool


def is_off(reader_id: UUID, group: Group) -> bool:
    """Whether a reader has turned these emails off. One statement."""
    return TurnedOff.objects.filter(reader=reader_id, group=group).exists()


def choices_of(reader_id: UUID, *, is_staff: bool) -> list[Choice]:
    """What a reader can choose. One statement."""
    off = set(TurnedOff.objects.filter(reader=reader_id).values_list("group", flat=True))
    return [Choice(group, ABOUT[group], group not in off) for group in groups_for(is_staff)]


def groups_for(is_staff: bool) -> list[Group]:
    """The groups whose emails a reader can get at all: only staff get digests."""
    return [group for group in Group if is_staff or group is not Group.DIGESTS]


def way_out(reader_id: UUID, group: Group) -> str:
    """The path that turns these emails off: it needs no login, and never expires."""
    token = sealed(_PURPOSE, reader_id.bytes + group.value.encode())
    return reverse("notices:turn_off", args=[token])


def find_choice(token: str) -> tuple[UUID, Group]:
    """The reader and the group of a `way_out`. Raises `NotFound` if it is none."""
    said = unsealed(_PURPOSE, token)
    reader_id, group = UUID(bytes=said[:_KEY]), said[_KEY:].decode()
    readers = get_user_model()._default_manager.filter(pk=reader_id)
    if group not in Group or not readers.exists():
        raise NotFound
    return reader_id, Group(group)
