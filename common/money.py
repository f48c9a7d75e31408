"""Exact amounts: whole cents, or Decimals with two places. Never a float."""

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from common.errors import InvalidAmount

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
_SUM = re.compile(r"[0-9]{1,8}(\.[0-9]{1,2})?")


def to_cents(amount: Decimal) -> int:
    """Whole cents of an exact amount."""
    return int(amount.scaleb(2))


def from_cents(cents: int) -> Decimal:
    """An amount with two places, of whole cents."""
    return Decimal(cents).scaleb(-2).quantize(CENT)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum; 0.00 of none."""
    return sum(amounts, ZERO)


def exact(amount: Decimal | None) -> Decimal:
    """A sum from the database, to the cent; 0.00 for None.

    SQLite adds decimals as floats, which are off by far less than a cent.
    """
    return (amount or ZERO).quantize(CENT)


def split(amount: Decimal, parts: int) -> list[Decimal]:
    """An amount split into `parts` shares that differ by at most a cent and add up exactly."""
    cents = to_cents(amount)
    edges = [cents * i // parts for i in range(parts + 1)]
    return [from_cents(high - low) for low, high in pairwise(edges)]


def parse_amount(text: object) -> Decimal:
    """A positive amount from outside, given as a string; anything else raises `InvalidAmount`."""
    if not (amount := parse_sum(text)):
        raise InvalidAmount
    return amount


def parse_sum(text: object) -> Decimal:
    """The same, but zero is allowed: it gives 0.00."""
    if not isinstance(text, str) or not _SUM.fullmatch(text):
        raise InvalidAmount
    return Decimal(text).quantize(CENT)
