"""Every cent of a release goes to somebody, whatever the order and the rates."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from common.money import ZERO, from_cents, split, to_cents, total
from payments.commission import Shares, shares_of, shares_of_next

RATES = {"commission_bp": 3000, "referral_bp": 7000}
basis_points = st.integers(0, 10_000)
parts = st.lists(st.integers(0, 10_000_000).map(from_cents), max_size=12)


def pay_out(amounts: list[Decimal], **rates: int) -> list[Shares]:
    """The shares of each part, released one after the other."""
    released, paid = ZERO, []
    for amount in amounts:
        paid.append(shares_of_next(amount, released=released, **rates))
        released += amount
    return paid


def sums(paid: list[Shares]) -> Shares:
    return (
        Shares(*(total(role) for role in zip(*paid, strict=True))) if paid else Shares(*[ZERO] * 3)
    )


def test_four_of_seven_sessions_with_a_referrer():
    shares = shares_of(Decimal("57.14"), **RATES)
    assert shares == Shares(Decimal("39.99"), Decimal("12.00"), Decimal("5.15"))
    paid = pay_out(split(Decimal("100.00"), 7)[:4], **RATES)
    assert [share.teacher for share in paid] == list(
        map(Decimal, ("9.99", "10.00", "10.00", "10.00"))
    )
    assert sums(paid) == shares


def test_without_a_referrer_the_commission_is_the_platforms():
    shares = shares_of(Decimal("10.01"), commission_bp=3000, referral_bp=0)
    assert shares == Shares(Decimal("7.00"), ZERO, Decimal("3.01"))


def test_nothing_released_pays_nothing():
    assert shares_of_next(ZERO, released=Decimal("14.28"), **RATES) == Shares(ZERO, ZERO, ZERO)


@given(parts, basis_points, basis_points)
def test_no_cent_is_made_or_lost_and_none_taken_back(amounts, commission_bp, referral_bp):
    paid = pay_out(amounts, commission_bp=commission_bp, referral_bp=referral_bp)
    for amount, shares in zip(amounts, paid, strict=True):
        assert total(shares) == amount
        assert min(shares) >= ZERO


@given(parts, basis_points, basis_points, st.randoms())
def test_the_order_of_the_sessions_changes_nothing(amounts, commission_bp, referral_bp, random):
    rates = {"commission_bp": commission_bp, "referral_bp": referral_bp}
    shuffled = random.sample(amounts, len(amounts))
    assert sums(pay_out(shuffled, **rates)) == shares_of(total(amounts), **rates)


@given(st.integers(0, 10**12), basis_points, basis_points)
def test_shares_are_those_of_the_rates_to_the_cent(cents, commission_bp, referral_bp):
    shares = shares_of(from_cents(cents), commission_bp=commission_bp, referral_bp=referral_bp)
    teacher, referrer = to_cents(shares.teacher), to_cents(shares.referrer)
    assert 0 <= cents * (10_000 - commission_bp) - teacher * 10_000 < 10_000
    assert 0 <= (cents - teacher) * referral_bp - referrer * 10_000 < 10_000
