"""The tests' own Stripe, as tests see it: where it is, and what they have it do."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.stripe.desk import KEY

PATIENCE = 60.0
SECRET = "whsec_stand_in"
__all__ = ["KEY", "SaidNoError", "StandIn", "running_stand_in", "stand_in"]


class SaidNoError(AssertionError):
    """What was wanted can't be done there."""


class Part:
    """What can be asked of a part: each of its methods by name, with arguments by theirs."""

    def __init__(self, stand_in: "StandIn", name: str) -> None:
        self._ask = partial(stand_in.ask, name)

    def __getattr__(self, name: str) -> Any:
        return partial(self._ask, name)


class StandIn:
    """A running Stripe.

    `account` is what customers, banks and Stripe's own clerks do (`account.pay(session=…)`),
    `faults` what goes wrong with requests, `post` where webhooks go and how: see those modules.
    """

    key = KEY

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account, self.faults = Part(self, "account"), Part(self, "faults")
        self.post, self._stripe = Part(self, "post"), Part(self, "stripe")
        self.line = requests.Session()
        self.line.trust_env = False
        self.start()

    def start(self) -> None:
        """Start it, or again, with all that it knew."""
        words = [sys.executable, "-m", "tests.stripe.server", str(self.folder)]
        self.process = subprocess.Popen(words)
        deadline = time.monotonic() + PATIENCE
        while not self._listens():
            assert self.process.poll() is None, "the stand-in ended"
            assert time.monotonic() < deadline, "the stand-in does not start"
            time.sleep(0.01)

    def _listens(self) -> bool:
        if not (self.folder / "port").exists():
            return False
        self.url = f"http://127.0.0.1:{(self.folder / 'port').read_text()}"
        try:
            return requests.get(self.url, timeout=1).status_code == 401
        except requests.RequestException:
            return False

    def ask(self, part: str, name: str, **wanted: Any) -> Any:
        """Have it do something; raises SaidNoError where it says no."""
        answer = self.line.post(f"{self.url}/tests/{part}/{name}", json=wanted, timeout=PATIENCE)
        if not answer.ok:
            raise SaidNoError(answer.text)
        return answer.json()

    def begin(self) -> None:
        """Forget everything."""
        self._stripe.begin()

    def habits(self, **changes: Any) -> None:
        self._stripe.habits(**changes)

    def advance(self, seconds: float) -> None:
        """Its clock, and it alone, goes on."""
        self._stripe.advance(seconds=seconds)

    def asked(self, call: str = "") -> list[dict[str, Any]]:
        """The requests so far: `call`, `path`, `text` (form, query), `key`, `fault`, `version`."""
        return [one for one in self._stripe.asked() if call in ("", one["call"])]

    def messages(self, *kinds: str, ago: float = 0.0) -> list[dict[str, str]]:
        """All webhooks there were: `id`, `type`, `body`, `signature`, as sent some seconds ago."""
        return self._stripe.messages(kinds=list(kinds), ago=ago)

    def send(self, *events: str) -> list[int]:
        """Send events, by their ids, to where the post goes; gives how each was answered."""
        return self._stripe.send(events=list(events))

    def answered(self) -> list[int]:
        """How each webhook was answered; 0 where it was not."""
        return self._stripe.answered()

    @property
    def balance(self) -> int:
        """What lies there, in cents of the one currency."""
        return sum(self.account.balance().values())

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It takes connections, and says nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    @contextmanager
    def down(self) -> Iterator[None]:
        """It takes no connections; then it is there again, and knows what it knew."""
        self.process.terminate()
        self.process.wait(PATIENCE)
        try:
            yield
        finally:
            self.start()

    def end(self) -> None:
        self.line.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def running_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    stand_in = StandIn(tmp_path_factory.mktemp("stripe"))
    yield stand_in
    stand_in.end()


@pytest.fixture
def stand_in(running_stand_in: StandIn) -> StandIn:
    """A Stripe that knows nothing yet."""
    running_stand_in.begin()
    return running_stand_in
