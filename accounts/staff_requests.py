"""What staff ask for and a job does: asked for, gone on with, done. What it is, others know."""

import zlib
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.utils import timezone

from accounts.models import FilePiece, StaffRequest, User
from common.shapes import Json
from common.transactions import operation

KEPT_FOR = timedelta(days=1)
# The last one is still shown if nothing has made a newer one for some nights.
RESULT_KEPT_FOR = timedelta(days=31)

# A page that shows what still waits is loaded again after so many seconds.
RELOADED_AFTER = 5


@operation
def ask(
    *, user: User, what: str, permission: str, query: str = "", for_everybody: bool = False
) -> None:
    """Have a job do it, for those who have the permission when it is done.

    While it waits, a repeat by the same user asks for nothing more; `for_everybody` by anybody.
    """
    asker = "" if for_everybody else user.pk
    once = sha256(f"{asker} {what} {query}".encode()).hexdigest()
    asked = StaffRequest(
        user=user,
        what=what,
        query=query,
        permission=permission,
        once=once,
        expires_at=timezone.now() + KEPT_FOR,
    )
    StaffRequest.objects.bulk_create([asked], ignore_conflicts=True)


@operation
def add_piece(
    asked: StaffRequest, text: str, *, rows: int, last: UUID | None, is_last: bool
) -> bool:
    """Keep what follows of the file; gives whether it was this one that went on with it.

    If another process did, that one's piece stays. The request is done with the last piece.
    """
    here = StaffRequest.objects.as_left_by(asked)
    done = _done() if is_last else {}
    if not here.update(rows=asked.rows + rows, last=last or asked.last, **done):
        return False
    content = zlib.compress(text.encode(), level=1)
    FilePiece.objects.create(request=asked, after=asked.rows, content=content)
    return True


def text_of(asked: StaffRequest) -> Iterator[bytes]:
    """The file, a piece at a time."""
    keys = list(asked.pieces.order_by("after").values_list("pk", flat=True))
    for key in keys:
        yield zlib.decompress(FilePiece.objects.values_list("content", flat=True).get(pk=key))


@operation
def keep_result(what: str, result: Json, *, asked: StaffRequest | None = None) -> None:
    """Keep what came of it, as the last of its kind; a job may have done it unasked."""
    done = _done(RESULT_KEPT_FOR) | {"result": result}
    if asked is None:
        StaffRequest.objects.create(what=what, **done)
    else:
        StaffRequest.objects.waiting().filter(pk=asked.pk).update(**done)


@operation
def give_up(asked: StaffRequest) -> None:
    """Note that it failed. A repeat changes nothing."""
    failed = _done() | {"state": StaffRequest.State.FAILED}
    StaffRequest.objects.waiting().filter(pk=asked.pk).update(**failed)


def _done(kept_for: timedelta = KEPT_FOR) -> Json:
    now = timezone.now()
    return {
        "state": StaffRequest.State.DONE,
        "once": None,
        "finished_at": now,
        "expires_at": now + kept_for,
    }
