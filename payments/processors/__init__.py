"""Who takes money for us: which processors there are, and what they are asked and answer.

No transaction is open while one is asked: it may take seconds, or give no answer at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from typing import Protocol

from django.conf import settings

from common.shapes import Json
from payments.errors import ProcessorUnavailable
from payments.models import TopUp, TopUpRefund

Method = TopUp.Method


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A page of the processor's on which one top-up can be paid; it has an `id` there."""

    id: str
    url: str


class Paying(Enum):
    """How far a payment is: `PENDING` means that it was made and the money is not there yet."""

    OPEN = auto()
    PENDING = auto()
    PAID = auto()
    FAILED = auto()
    EXPIRED = auto()


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a processor says of a checkout when it is asked: of which, for whom, and how far it is.

    `about` is the key of the top-up that it was opened for. `fee` is what it keeps of the payment:
    None until that is known. `paid_with` is for the receipt: a card's last digits, say.
    """

    paying: Paying
    checkout: str
    about: str
    amount: Decimal
    currency: str
    live: bool
    payment_intent: str = ""
    charge: str = ""
    fee: Decimal | None = None
    fee_currency: str = ""
    paid_with: str = ""


@dataclass(frozen=True, kw_only=True)
class Movement:
    """Of money that lies at a processor: less than zero if it was taken, and what that cost."""

    id: str
    amount: Decimal
    fee: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """What a processor says of a dispute, or of a refund made at its own desk, when it is asked.

    `about` is the key of the top-up that was paid. `live` is None where it doesn't say.
    """

    id: str
    kind: str
    about: str
    payment_intent: str
    status: str
    reason: str
    amount: Decimal
    live: bool | None
    opened_at: datetime
    due_by: datetime | None
    movements: tuple[Movement, ...]


class Going(Enum):
    """How far money is that goes back; `FAILED` means that it came back, or never went."""

    ON_ITS_WAY = auto()
    ARRIVED = auto()
    FAILED = auto()


@dataclass(frozen=True, kw_only=True)
class Payback:
    """What a processor says of a refund: its `id` there, and `about` which of ours it is.

    `failure` says why it failed.
    """

    going: Going
    id: str
    about: str
    amount: Decimal
    currency: str
    failure: str = ""


class Processor(Protocol):
    """Each call raises `ProcessorUnavailable` where no useful answer comes."""

    def parameters(self, top_up: TopUp, *, back: str) -> Json:
        """All that is sent to open a checkout, which leads `back` to that address; asks nobody."""

    def open_checkout(self, top_up: TopUp) -> Checkout:
        """A checkout with the parameters in the row; a repeat gives the same one."""

    def look(self, top_up: TopUp) -> Found:
        """How far the top-up's checkout is by now."""

    def pay_back(self, refund: TopUpRefund) -> Payback:
        """Send a refund back to where its top-up came from; a repeat sends nothing more."""

    def look_back(self, refund: TopUpRefund) -> Payback:
        """How far a refund is that was sent."""

    def is_live(self) -> bool:
        """Whether the money is real."""


def methods() -> list[str]:
    """The methods by which a user can top up here, as things are set up."""
    return [method for method, is_there in _PRESENT.items() if is_there()]


def is_test_mode() -> bool:
    """Whether people can top up with money that isn't real."""
    return any(not processor_of(method).is_live() for method in methods())


def processor_of(method: str) -> Processor:
    """The processor of a method. Raises `ProcessorUnavailable` where it isn't set up."""
    from payments.processors import rehearsal, stripe  # noqa: PLC0415 # they import this module

    if method not in methods():
        raise ProcessorUnavailable
    return stripe.Stripe() if method == Method.STRIPE else rehearsal.Rehearsal()


_PRESENT: dict[str, Callable[[], bool]] = {
    Method.STRIPE: lambda: bool(settings.STRIPE_SECRET_KEY),
    Method.REHEARSAL: lambda: settings.PAYMENTS == "rehearsal",
}
