"""Where requests arrive: who asks, what it is, whether it was asked before, and what goes wrong."""

import json
import os
import pickle
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stripe import api
from tests.stripe.account import VERSION, Account, Thing
from tests.stripe.faults import Faults
from tests.stripe.forms import Failed, Refused, parse
from tests.stripe.keys import Keys
from tests.stripe.post import Post

KEY = "sk_test_stand_in"
LEFT = ("things", "events", "lies", "habits", "ahead")
BEFORE = {
    "down": Refused("Not now", 503, type="api_error"),
    "busy": Refused("Too many at once", 429, code="rate_limit"),
    "locked": Refused("At work", 409, type="idempotency_error", code="idempotency_key_in_use"),
}


@dataclass
class Asked:
    """A request: the name of its call, the id in its path, its form or query, and its key."""

    call: str
    path: str
    object: str
    text: str
    key: str | None
    id: str
    fault: Thing

    @property
    def what(self) -> str:
        return self.fault.get("what", "")


class Stripe:
    """One account, and all that is about it; `lock` is held by whoever looks or changes."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.lock, self.over = threading.RLock(), threading.Event()
        self.faults, self.post = Faults(), Post()
        self.begin()
        if (folder / "state").exists():
            left = pickle.loads((folder / "state").read_bytes())
            vars(self.account).update(left["account"])
            self.keys.kept, self.calls = left["keys"], left["calls"]
            self.post.take_up(left["post"])

    def begin(self) -> None:
        """An account that knows nothing, and nothing that goes wrong."""
        with self.lock:
            self.over.set()  # whoever waits for an answer waits no more
            self.over = threading.Event()
            self.account, self.keys = Account(), Keys()
            self.account.url, self.account.told = self.url, self.post.put
            self.post.clock = self.account.now
            self.post.goes()
            self.faults.forget()
            self.calls: list[Thing] = []

    def leave(self) -> None:
        """Write down all that is known, and end: nothing happens after that."""
        with self.lock:
            account = {name: getattr(self.account, name) for name in LEFT}
            left = {"account": account, "keys": self.keys.answered(), "calls": self.calls}
            (self.folder / "state").write_bytes(pickle.dumps(left | {"post": self.post.leave()}))
            os._exit(0)

    # --- the API ---------------------------------------------------------------------------------

    def ask(self, method: str, path: str, text: str, headers: Any) -> tuple[int, bytes, Any, Thing]:
        """What a request is answered: status, body and headers; and what goes wrong with it."""
        known = {"Request_Id": f"req_{secrets.token_hex(7)}", "Stripe_Version": VERSION}
        fault: Thing = {}
        try:
            check(headers)
            call, key = api.find(method, path)
            own_key = headers.get("Idempotency-Key") if method == "POST" else None
            with self.lock:
                fault = self.faults.of(call, f"{own_key} {path} {text}")
            asked = Asked(call, path, key, text, own_key, known["Request_Id"], fault)
            self.calls.append(vars(asked) | {"version": headers.get("Stripe-Version")})
            if asked.what in BEFORE:
                raise BEFORE[asked.what]
            status, said = (0, b"") if asked.what == "deaf" else self.once(asked, known)
            if asked.what == "event_first":
                self.post.wait()
        except Refused as refused:
            status, said = refused.status, encode(refused.body())
        return status, said, known, fault

    def once(self, asked: Asked, headers: dict[str, str]) -> tuple[int, bytes]:
        """Do what is asked; what was done for the key is answered as it was the first time."""
        wanted = parse(asked.text, asked.call)
        if asked.key is None:
            return self.work(asked, wanted)
        with self.lock:
            request = asked.path, asked.text
            known = self.keys.begin(asked.key, request, asked.id, self.account.now())
        if known and known.answer:
            headers |= {"Idempotent_Replayed": "true", "Original_Request": known.request_id}
            return known.answer
        try:
            status, said = self.work(asked, wanted)
        except Refused:
            self.keys.forget(asked.key)
            raise
        self.keys.keep(asked.key, status, said)
        return status, said

    def work(self, asked: Asked, wanted: Thing) -> tuple[int, bytes]:
        if asked.what == "fails":
            return 500, encode(Refused("Something broke", 500, type="api_error").body())
        with self.lock:
            self.account.request = {"id": asked.id, "idempotency_key": asked.key}
            try:
                done = api.answer(self.account, asked.path, asked.call, asked.object, wanted)
            except Failed as failed:
                return failed.status, encode(failed.body())
            finally:
                self.account.request = {"id": None, "idempotency_key": None}
            if asked.what == "event_first" and asked.call == "create_session":
                self.account.pay(done["id"])
        return 200, encode(done)

    # --- what tests want --------------------------------------------------------------------------

    def control(self, part: str, name: str, wanted: Thing) -> Any:
        """Call a method of `account`, `faults` or `post`, or of this."""
        owner = self if part == "stripe" else getattr(self, part)
        assert not name.startswith("_"), name
        method = getattr(owner, name)
        if part in ("account", "faults"):
            with self.lock:
                return method(**wanted)
        return method(**wanted)

    def habits(self, **changes: Any) -> None:
        """Be otherwise from now on: see Account."""
        with self.lock:
            assert changes.keys() <= self.account.habits.keys(), changes
            self.account.habits |= changes

    def advance(self, seconds: float) -> None:
        """Its clock goes on, and what nobody paid in time expires."""
        with self.lock:
            self.account.ahead += seconds
            self.account.expire_old()

    def asked(self) -> list[Thing]:
        """Every request of the API, in order, with what went wrong."""
        with self.lock:
            return list(self.calls)

    def answered(self) -> list[int]:
        """How each webhook was answered; 0 where it was not."""
        return [status for _, _, status in self.post.answers]

    def messages(self, kinds: list[str] | None = None, ago: float = 0.0) -> list[Thing]:
        """All events there were, each as it is sent, signed some seconds ago."""
        with self.lock:
            events = [one for one in self.account.events if not kinds or one["type"] in kinds]
            return [self.post.message(event, ago) for event in events]

    def send(self, events: list[str]) -> list[int]:
        """Send events by their ids, one after the other; gives how each was answered."""
        known = {event["id"]: event for event in self.account.events}
        return [self.post.deliver(known[key]) for key in events]


def check(headers: Any) -> None:
    """Refuse whoever has no key of the account."""
    if headers.get("Authorization") != f"Bearer {KEY}":
        raise Refused("No key of this account", 401)
    if headers.get("Stripe-Version", VERSION) != VERSION:
        raise Refused(f"This is Stripe as it is in {VERSION}")


def encode(said: Thing) -> bytes:
    return json.dumps(said, indent=2).encode()
