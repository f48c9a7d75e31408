"""Idempotency keys as Stripe keeps them: the answer of the first request, for a day.

The same key with anything else is an error, and so is the same key while the first is at work.
What was refused before any work began is not kept; what failed at work is, as a failure.
"""

from dataclasses import dataclass
from typing import Any

from tests.stripe.forms import Refused

DAY = 24 * 3600
AT_WORK = None


@dataclass
class Kept:
    request: tuple[str, str]  # path and parameters
    request_id: str
    at: float
    answer: tuple[int, bytes] | None = AT_WORK


class Keys:
    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}

    def begin(self, key: str, request: tuple[str, str], request_id: str, now: float) -> Kept | None:
        """What was answered to the key before; None where the request is the first one."""
        known = self.kept.get(key)
        if known is None or known.at < now - DAY:
            self.kept[key] = Kept(request, request_id, now)
            return None
        if known.request != request:
            raise Refused(f"{key} was the key of another request", type="idempotency_error")
        if known.answer is AT_WORK:
            raise Refused(
                f"A request with the key {key} is at work",
                409,
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        return known

    def keep(self, key: str, status: int, said: bytes) -> None:
        self.kept[key].answer = (status, said)

    def forget(self, key: str) -> Any:
        return self.kept.pop(key, None)

    def answered(self) -> dict[str, Kept]:
        """Those whose work is done: what had not begun when all ends never does."""
        return {key: kept for key, kept in self.kept.items() if kept.answer is not AT_WORK}
