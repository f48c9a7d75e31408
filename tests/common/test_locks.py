"""Rows that are taken out of order: who writes it is told, not those who wait one day."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError
from uuid_utils.compat import uuid7

from common.errors import Unavailable
from common.locks import OutOfOrderError, Rank, take
from common.transactions import TRIES, operation

pytestmark = pytest.mark.django_db
MONEY = Path(settings.BASE_DIR) / "docs" / "money.md"
FIRST, SECOND = uuid7(), uuid7()


@operation
def taking(*rows):
    for row in rows:
        take(*row)


def test_a_later_rank_may_come_after_an_earlier_one():
    taking((Rank.COURSE, SECOND), (Rank.BOOKING, SECOND), (Rank.ACCOUNT, FIRST))


def test_an_earlier_one_may_not_come_after_a_later_one():
    with pytest.raises(OutOfOrderError, match=f"COURSE {SECOND} is locked after ACCOUNT {FIRST}"):
        taking((Rank.ACCOUNT, FIRST), (Rank.COURSE, SECOND))


def test_of_one_rank_the_keys_ascend():
    taking((Rank.ACCOUNT, FIRST), (Rank.ACCOUNT, SECOND))
    taking((Rank.ACCOUNT, SECOND, FIRST))  # by one statement, which sorts them
    with pytest.raises(OutOfOrderError):
        taking((Rank.ACCOUNT, SECOND), (Rank.ACCOUNT, FIRST))


def test_what_is_held_may_be_taken_again():
    taking((Rank.COURSE, FIRST), (Rank.ACCOUNT, FIRST), (Rank.COURSE, FIRST))
    with pytest.raises(OutOfOrderError):
        taking((Rank.COURSE, FIRST), (Rank.ACCOUNT, FIRST), (Rank.COURSE, SECOND))


def test_a_lock_wants_an_operation():
    with pytest.raises(OutOfOrderError, match="outside of an operation"):
        take(Rank.COURSE, FIRST)


def test_what_another_operation_joins_goes_on_in_its_order():
    @operation
    def outer():
        take(Rank.ACCOUNT, FIRST)
        taking((Rank.COURSE, FIRST))

    with pytest.raises(OutOfOrderError):
        outer()


def test_the_next_operation_has_taken_nothing():
    taking((Rank.ACCOUNT, FIRST))
    taking((Rank.COURSE, FIRST))


def test_nor_has_one_that_is_tried_again(monkeypatch):
    monkeypatch.setattr("common.transactions.time.sleep", lambda _: None)
    tries = []

    @operation
    def deadlocked():
        tries.append(taking((Rank.COURSE, FIRST), (Rank.ACCOUNT, FIRST)))
        raise OperationalError(1213, "Deadlock found")

    with pytest.raises(Unavailable):
        deadlocked()
    assert len(tries) == TRIES


def test_the_law_says_who_locks_what_in_this_order():
    [table] = re.findall(r"^\| rank .*?\n\n", MONEY.read_text(), re.MULTILINE | re.DOTALL)
    assert re.findall(r"`([A-Z_]+)`", table) == [rank.name for rank in Rank]
