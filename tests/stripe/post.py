"""Webhooks: signed as Stripe signs, and sent once, twice, late, in any order, or not at all."""

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.stripe.account import Thing

SENDERS = 6
PATIENCE = 20.0
TRIES = 8


def sign(body: bytes, secrets: list[str], at: float) -> str:
    """The header that goes with a body: one signature for each secret."""
    said = f"{int(at)}.".encode() + body
    signed = [hmac.new(secret.encode(), said, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={int(at)}", *(f"v1={signature}" for signature in signed)])


class Post:
    """Where events go, and how badly.

    Of each event as many are sent as chance picks from `copies`, each some seconds late, at most
    `late`: so they come in any order. What is not answered with 2xx is sent again, soon.
    """

    clock: Callable[[], float]

    def __init__(self) -> None:
        self.url = ""
        self.secrets = ["whsec_stand_in"]
        self.copies, self.late, self.again, self.kinds = [1], 0.0, 0.1, [""]
        self.dice = random.Random(0)
        self.pending: list[tuple[float, Thing, int]] = []
        self.answers: list[tuple[str, str, int]] = []
        self.under_way = 0
        self.turn = threading.Condition()
        self.pool = ThreadPoolExecutor(SENDERS)
        threading.Thread(target=self._run, daemon=True).start()

    def goes(
        self,
        url: str = "",
        secrets: list[str] | None = None,
        copies: list[int] | None = None,
        late: float = 0.0,
        again: float = 0.1,
        kinds: list[str] | None = None,
        seed: int = 0,
    ) -> None:
        """Send to this address from now on, like this; nothing waits any more.

        Only events whose type begins with one of the `kinds` are sent there; what is not answered
        well, `again` after so many seconds, then after twice as many.
        """
        with self.turn:
            self.url, self.secrets = url, secrets or ["whsec_stand_in"]
            self.copies, self.late, self.again = copies or [1], late, again
            self.kinds = kinds or [""]
            self.dice = random.Random(seed)
            self.pending.clear()
            self.answers.clear()

    def leave(self) -> Thing:
        """What goes on after a new start."""
        with self.turn:
            waiting = [(event, tries) for _, event, tries in self.pending]
            names = ("url", "secrets", "copies", "late", "again", "kinds", "dice", "answers")
            return {"waiting": waiting, **{name: getattr(self, name) for name in names}}

    def take_up(self, left: Thing) -> None:
        with self.turn:
            waiting = left.pop("waiting")
            vars(self).update(left)
            self.pending = [(time.monotonic(), event, tries) for event, tries in waiting]
            self.turn.notify_all()

    def put(self, event: Thing) -> None:
        """Have an event sent, if any is."""
        with self.turn:
            if not self.url or not event["type"].startswith(tuple(self.kinds)):
                return
            for _ in range(self.dice.choice(self.copies)):
                due = time.monotonic() + self.dice.uniform(0, self.late)
                self.pending.append((due, event, 0))
            self.turn.notify_all()

    def message(self, event: Thing, ago: float = 0.0) -> dict[str, str]:
        """An event as it is sent, signed some seconds ago."""
        body = json.dumps(event, indent=2)
        signature = sign(body.encode(), self.secrets, self.clock() - ago)
        return {"id": event["id"], "type": event["type"], "body": body, "signature": signature}

    def wait(self, patience: float = PATIENCE) -> bool:
        """Until all were sent, and answered; False where that does not come."""
        with self.turn:
            return self.turn.wait_for(lambda: not self.pending and not self.under_way, patience)

    def _run(self) -> None:
        while True:
            with self.turn:
                self.turn.wait_for(lambda: self.pending and self.under_way < SENDERS)
                due = min(self.pending, key=lambda one: one[0])
                if (left := due[0] - time.monotonic()) > 0:
                    self.turn.wait(left)
                    continue
                self.pending.remove(due)
                self.under_way += 1
            self.pool.submit(self._send, *due[1:])

    def _send(self, event: Thing, tries: int) -> None:
        status = self.deliver(event)
        with self.turn:
            self.answers.append((event["id"], event["type"], status))
            if not 200 <= status < 300 and tries < TRIES and self.url:
                due = time.monotonic() + self.again * 2**tries
                self.pending.append((due, event, tries + 1))
            self.under_way -= 1
            self.turn.notify_all()

    def deliver(self, event: Thing) -> int:
        """Send an event; gives the status of the answer, 0 where there is none."""
        message, where = self.message(event), urlsplit(self.url)
        line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": message["signature"],
            "User-Agent": "Stripe/1.0",
        }
        try:
            line.request("POST", where.path, message["body"].encode(), headers)
            return line.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            line.close()
