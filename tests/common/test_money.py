"""Splitting is exact, and only plain amounts come in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidAmount
from common.money import CENT, ZERO, from_cents, parse_amount, split, to_cents, total

cents = st.integers(min_value=0, max_value=10**10)


@given(cents=cents, parts=st.integers(min_value=1, max_value=400))
def test_shares_add_up_and_differ_by_a_cent_at_most(cents, parts):
    shares = split(from_cents(cents), parts)

    assert len(shares) == parts
    assert total(shares) == from_cents(cents)
    assert max(shares) - min(shares) <= CENT
    assert min(shares) >= ZERO


@given(cents=cents)
def test_cents_and_amounts_are_two_spellings_of_one_number(cents):
    assert to_cents(from_cents(cents)) == cents
    assert from_cents(cents).as_tuple().exponent == -2


def test_a_hundred_over_seven():
    shares = ["14.28", "14.29", "14.28", "14.29", "14.28", "14.29", "14.29"]
    assert split(Decimal("100.00"), 7) == [Decimal(share) for share in shares]


@given(cents=st.integers(min_value=1, max_value=10**10 - 1))
def test_every_plain_amount_is_taken(cents):
    assert parse_amount(str(from_cents(cents))) == from_cents(cents)


@pytest.mark.parametrize(
    ("text", "amount"), [("5", "5.00"), ("12.5", "12.50"), ("0.01", "0.01"), ("007", "7.00")]
)
def test_an_amount_gets_two_places(text, amount):
    assert str(parse_amount(text)) == amount


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "0", "0.00", "-5", "+5", "0.001", ".5", "5.", "5,00", "$5", " 5", "5\n"),
        *(
            "NaN",
            "sNaN",
            "Infinity",
            "-Infinity",
            "1e1",
            "1E2",
            "1_000",
            "0x10",
            "\uff11\uff10",
            "\u0663",
        ),
        *("99999999999", "1.2.3", "\ud800", "5\x00"),
        *(5, 5.0, True, False, None, Decimal("5.00"), ["5"], {"amount": "5"}, b"5"),
    ],
)
def test_nothing_else_is_an_amount(text):
    with pytest.raises(InvalidAmount):
        parse_amount(text)
