"""What goes wrong on the way to Stripe and back.

A fault is one of these. `silence`: it is done, and no answer comes for `seconds`. `deaf`: nothing
is done, and no answer comes. `drop`: it is done, and the line cut. `half`: it is done, and half of
the answer comes. `drip`: it is done, and the answer takes `seconds` to come, byte by byte; `ebb`:
half of it comes at once, and the rest so. `fails`: it began, and ended in a 500, which the key
keeps. `down`: a 503, and nothing was done. `busy`: a 429. `locked`: another request has the key.
`event_first`: what it brings about is told, and heard, before it is answered; a new session is paid
at once.
"""

import random
from typing import Any

SILENCE = 80.0
KINDS = (
    "silence",
    "deaf",
    "drop",
    "half",
    "drip",
    "ebb",
    "fails",
    "down",
    "busy",
    "locked",
    "event_first",
)


class Faults:
    """Those that are to come, by the name of the call; and those that chance brings."""

    def __init__(self) -> None:
        self.coming: dict[str, list[dict[str, Any]]] = {}
        self.likely: dict[str, list[tuple[float, str]]] = {}
        self.seconds = SILENCE
        self.dice = random.Random(0)

    def next(
        self, call: str, what: str, times: int = 1, seconds: float = SILENCE, about: str = ""
    ) -> None:
        """The next calls of this name go wrong; only those about something, if that is said."""
        assert what in KINDS, what
        fault = {"what": what, "seconds": seconds, "about": about}
        self.coming.setdefault(call, []).extend([fault] * times)

    def chance(
        self, calls: dict[str, list[tuple[float, str]]], seed: int = 0, seconds: float = SILENCE
    ) -> None:
        """Calls go wrong by chance: how likely each fault is, by the name of the call."""
        self.likely, self.dice, self.seconds = calls, random.Random(seed), seconds

    def forget(self) -> None:
        self.coming, self.likely = {}, {}

    def of(self, call: str, asked: str) -> dict[str, Any]:
        """What goes wrong with this call: an empty one where nothing does."""
        for fault in self.coming.get(call, ()):
            if fault["about"] in asked:
                self.coming[call].remove(fault)
                return fault
        thrown = self.dice.random()
        for likely, what in self.likely.get(call, ()):
            if thrown < likely:
                return {"what": what, "seconds": self.seconds}
            thrown -= likely
        return {}
