"""One answer per key: a request that is sent again gets the first answer."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError
from common.locks import Rank, take
from common.transactions import LOCK_WAIT_TIMEOUT, operation, undo
from common.writing import insert, save
from payments.errors import InvalidKey, KeyReused, RequestInProgress
from payments.models import IdempotencyRecord

# The client may fix these and send the same key again.
_NOT_REMEMBERED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.INSUFFICIENT_STORAGE,
}
# What a client may use as a key.
_VISIBLE = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True)
class Answer:
    """A status, and a body that JSON can carry as it is."""

    status: int
    body: Any
    replayed: bool = False

    @property
    def refused(self) -> bool:
        return self.status >= HTTPStatus.BAD_REQUEST

    @property
    def outdated(self) -> bool:
        """An earlier refusal, which may no longer apply."""
        return self.refused and self.replayed


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same one."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


@operation
def answer_once(*, user: User, key: str, request: str, act: Callable[[], Answer]) -> Answer:
    """Run `act` once for this user and key; a repeat of the same request gets its first answer.

    `request` is the fingerprint. Refusals are remembered too: `act` runs in a savepoint, and the
    answer is committed together with what it did. A copy waits for the key's row. Raises
    `InvalidKey`, `KeyReused` for a different request with the same key, and `RequestInProgress`
    after waiting for five seconds.
    """
    if not _VISIBLE.fullmatch(key):
        raise InvalidKey
    now = timezone.now()
    record = _claim(user, hashlib.sha256(key.encode()).hexdigest(), request, now)
    if record.status is not None:
        return _replay(record, request)
    answer = _act(act)
    record.status, record.body = answer.status, json.dumps(answer.body)
    save([record], ["status", "body"])
    return answer


def _claim(user: User, key: str, request: str, now: datetime) -> IdempotencyRecord:
    try:
        record = IdempotencyRecord(user_id=user.pk, key=key, fingerprint=request, created_at=now)
        take(Rank.KEY, record.pk)
        insert([record])
        return record
    except OperationalError as error:
        if error.args[0] == LOCK_WAIT_TIMEOUT:
            raise RequestInProgress from error
        raise
    except IntegrityError:
        # The database undid only the refused statement; the transaction goes on.
        transaction.set_rollback(False)
    # The refused insert has a shared lock on the row: copies that all asked for more would
    # deadlock.
    made = IdempotencyRecord.objects.get(user=user, key=key)
    if made.created_at > now - timedelta(days=settings.IDEMPOTENCY_KEY_DAYS):
        return made
    made.delete()
    return _claim(user, key, request, now)


def _replay(record: IdempotencyRecord, request: str) -> Answer:
    if record.fingerprint != request:
        raise KeyReused
    assert record.status is not None
    return Answer(record.status, json.loads(record.body), replayed=True)


def _act(act: Callable[[], Answer]) -> Answer:
    """Undo what a refusal leaves half done, except the key's row.

    The savepoint is not released: COMMIT does that, which saves a statement per answer.
    """
    before = transaction.savepoint()
    try:
        return act()
    except DomainError as error:
        if error.status in _NOT_REMEMBERED:
            raise
        # Django considers the transaction broken after a database error.
        transaction.set_rollback(False)
        transaction.savepoint_rollback(before)
        undo()
        return Answer(error.status, error.body())
