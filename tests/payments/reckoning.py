"""What each person must have in the end, as the rules say it; it knows nothing of how we keep it.

From what Stripe's own objects say, and what people remember of their own doing; all in cents.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Thing = dict[str, Any]


class Sums(NamedTuple):
    """Of one person: what is to spend, held and owed now; what came in and went back in all."""

    wallet: int
    held: int
    owed: int
    came_in: int
    went_back: int


@dataclass
class Memory:
    """What a person asked for, by the keys of top-ups and bookings, and was given."""

    asked: dict[str, int] = field(default_factory=dict)
    booked: dict[Any, int] = field(default_factory=dict)
    granted: int = 0
    written_off: int = 0
    recovered: int = 0


class Stripe:
    """What Stripe says was paid, and how much of it went back, by the key of the top-up."""

    def __init__(self, charges: list[Thing], refunds: list[Thing], disputes: list[Thing]) -> None:
        self.about = {one["id"]: one["metadata"]["top_up"] for one in charges}
        gone = [one for one in refunds if one["status"] not in ("failed", "canceled")]
        self.refunded = self._sums((one["charge"], one["amount"]) for one in gone)
        # A bank takes and gives back by transactions; the amount of a dispute is only what it says.
        self.disputed = self._sums(
            (one["charge"], -moved["amount"])
            for one in disputes
            for moved in one["balance_transactions"]
        )

    def _sums(self, amounts: Iterable[tuple[str, int]]) -> Counter[str]:
        found: Counter[str] = Counter()
        for charge, amount in amounts:
            found[self.about[charge]] += amount
        return found


def reckon(person: Memory, stripe: Stripe) -> Sums:
    """What is theirs: what they paid and were given, less what went back, and what is held.

    Credit comes once for each payment, and is what was asked for. What is lacking is owed, unless
    it was written off; what a bank gives back of that is not theirs.
    """
    mine = person.asked.keys()
    came_in = sum(person.asked[key] for key in mine & {*stripe.about.values()})
    went_back = sum(stripe.refunded[key] + stripe.disputed[key] for key in mine)
    held = sum(person.booked.values())
    given = person.granted + person.written_off - person.recovered
    free = came_in - went_back + given - held
    return Sums(max(free, 0), held, max(-free, 0), came_in, went_back)
