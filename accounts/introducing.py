"""How teachers introduce themselves: a photo, and words in Markdown."""

from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from accounts.models import Introduction, User
from common.errors import NotFound
from common.markdown import to_html
from common.transactions import operation


@operation
def introduce(*, user: User, **changes: Any) -> Introduction:
    """Change a teacher's `photo` (a file, or "" for none) or `words`; a repeat changes nothing.

    The file of a replaced photo is deleted. Raises `NotStored` if there is no room for a photo,
    and `NotFound` for someone who doesn't teach, or whose password has been changed since they were
    found: a hand-over ends what the account's maker showed. Locks the user.
    """
    teacher = User.objects.as_found(user).filter(is_active=True, is_teacher=True)
    if not teacher.update(display_name=F("display_name")):
        raise NotFound
    made, _ = Introduction.objects.get_or_create(user=user)
    if "photo" in changes:
        _delete_after_commit(made)
        made.photo = changes["photo"]
    if "words" in changes:
        made.words = changes["words"]
        made.html = to_html(made.words)
    made.save()
    return made


def take_down(user_id: UUID) -> None:
    """Delete what a teacher shows of themselves, for staff; a repeat finds nothing.

    They may write again. Inside the caller's transaction; locks the user.
    """
    users = User.objects.filter(pk=user_id)
    users.update(display_name=F("display_name"))
    forget_introduction(users.get())


def forget_introduction(user: User) -> None:
    """Show nothing more of a user, whom the caller's transaction has locked."""
    for made in Introduction.objects.filter(user=user):
        _delete_after_commit(made)
        made.delete()


def _delete_after_commit(made: Introduction) -> None:
    if made.photo:
        replaced = str(made.photo)
        transaction.on_commit(lambda: default_storage.delete(replaced), robust=True)
