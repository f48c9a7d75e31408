"""No operation locks or changes a row that it has not taken in the one order."""

import re
from collections.abc import Iterator

import pytest
from django.db import connection

from common import locks
from common.locks import Rank
from settlement.services.settling import complete_session, settle_hold
from tests.concurrency.operations import OPERATIONS, World, tell
from tests.factories import DAY, end_session

pytestmark = pytest.mark.django_db(transaction=True)

RANKS = {
    "idempotency_records": Rank.KEY,
    "courses": Rank.COURSE,
    "course_sessions": Rank.SESSION,
    "course_enrollments": Rank.BOOKING,
    "session_purchases": Rank.BOOKING,
    "payment_holds": Rank.HOLD,
    "hold_parts": Rank.PART,
    "webhook_events": Rank.EVENT,
    "top_ups": Rank.TOP_UP,
    "withdrawals": Rank.WITHDRAWAL,
    "ledger_accounts": Rank.ACCOUNT,
}


def locked_by(sql: str) -> Iterator[Rank]:
    """The ranks of the tables that a statement locks; a subquery locks none.

    What a session that is deleted leaves behind is forgotten by Django, under the session's lock.
    """
    if "= NULL" in sql:
        return
    while sql != (without := re.sub(r"\([^()]*\)", "", sql)):
        sql = without
    if sql.startswith("UPDATE") or "FOR UPDATE" in sql:
        tables = re.findall(r"(?:UPDATE|FROM|JOIN) [`\"](\w+)[`\"]", sql)
        yield from (RANKS[table] for table in tables if table in RANKS)


def add_a_session():
    world = World()
    world.enroll()
    return world.add


def hear_late():
    """Of somebody who missed the session, as it was settled."""
    world = World()
    bought, session = world.enroll(), world.sessions[0]
    end_session(session, ago=DAY)
    tell(session, world.course.teacher)
    settle_hold(bought.hold.pk)
    return lambda: tell(session, world.student)


def complete():
    session = World().sessions[0]
    end_session(session, ago=DAY)
    return lambda: complete_session(session.pk)


@pytest.mark.mariadb  # SQLite's statements do not say FOR UPDATE
@pytest.mark.parametrize("prepare", [*OPERATIONS, add_a_session, hear_late, complete])
def test_what_is_locked_was_taken(prepare):
    seen = []

    def watch(execute, sql, params, many, context):
        seen.extend((locks._taken.get(), rank, sql) for rank in locked_by(sql))
        return execute(sql, params, many, context)

    act = prepare()
    with connection.execute_wrapper(watch):
        act()
    assert seen
    # Where the key is known by the lock alone, it is taken afterwards.
    untold = [sql for taken, rank, sql in seen if rank not in {of for of, _ in taken or ()}]
    assert untold == []
