"""Who gets what of the money that is released: arithmetic in whole cents, no database."""

from decimal import Decimal
from typing import NamedTuple

from common.money import from_cents, to_cents

WHOLE_BP = 10_000


class Shares(NamedTuple):
    """What a release pays to each, in credits; the fields name the transfers' dedupe keys."""

    teacher: Decimal
    referrer: Decimal
    platform: Decimal


def shares_of(released: Decimal, *, commission_bp: int, referral_bp: int) -> Shares:
    """The shares of all that a hold released so far, in credits; the rates are basis points.

    The teacher's share and the referrer's are rounded down to the cent, the platform gets the
    rest. Without a referrer `referral_bp` is 0.
    """
    cents = to_cents(released)
    teacher = cents * (WHOLE_BP - commission_bp) // WHOLE_BP
    commission = cents - teacher
    referrer = commission * referral_bp // WHOLE_BP
    return Shares(*map(from_cents, (teacher, referrer, commission - referrer)))


def shares_of_next(
    amount: Decimal, *, released: Decimal, commission_bp: int, referral_bp: int
) -> Shares:
    """What releasing `amount` more pays to each, in credits, `released` being out already.

    Rounding is based on the sum, so a fully released hold is exact in any order, and no share is
    ever below zero.
    """
    before = shares_of(released, commission_bp=commission_bp, referral_bp=referral_bp)
    after = shares_of(released + amount, commission_bp=commission_bp, referral_bp=referral_bp)
    return Shares(*(new - old for new, old in zip(after, before, strict=True)))
