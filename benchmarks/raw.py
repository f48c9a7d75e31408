"""The raw bound: the least that each write has to do, in plain mysqlclient, with no server."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from uuid_utils import uuid7

from demo.rows import SHARE
from payments.models import SYSTEM_ACCOUNTS, LedgerAccount

ESCROW = SYSTEM_ACCOUNTS[LedgerAccount.Kind.ESCROW].hex
PROCESSES = 2
# SQL for a key, as every database takes it.
NEW_KEY = "REPLACE(UUID(), '-', '')"

Pair = dict[str, Any]
Act = Callable[[Any, Pair], None]


def connect() -> Any:
    """A connection like the server's, but without autocommit."""
    made = connections.create_connection(DEFAULT_DB_ALIAS)
    made.connect()
    made.connection.autocommit(False)
    return made.connection


def measure(act: Act, pairs: list[Pair], *, connections: int, seconds: float) -> float:
    """How many times per second `act` commits, in threads of two processes."""
    results: Any = multiprocessing.get_context("fork").Queue()
    shares = [pairs[number::PROCESSES] for number in range(PROCESSES)]
    workers = [
        multiprocessing.get_context("fork").Process(
            target=_process, args=(act, share, connections // PROCESSES, seconds, results)
        )
        for share in shares
    ]
    for worker in workers:
        worker.start()
    rate = sum(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    return rate


def _process(act: Act, pairs: list[Pair], connections: int, seconds: float, results: Any) -> None:
    done: list[float] = []
    shares = [pairs[number::connections] for number in range(connections)]
    threads = [
        threading.Thread(target=_thread, args=(act, share, seconds, done)) for share in shares
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(sum(done))


def _thread(act: Act, pairs: list[Pair], seconds: float, done: list[float]) -> None:
    connection = connect()
    cursor = connection.cursor()
    began = time.perf_counter()
    count = 0
    for pair in pairs:
        if time.perf_counter() - began > seconds:
            break
        act(cursor, pair)
        connection.commit()
        count += 1
    done.append(count / (time.perf_counter() - began))
    connection.close()


def enrol(cursor: Any, pair: Pair) -> None:
    """Seat, enrolment, hold with its parts, wallet, transfer."""
    key, hold = _new(), _new()
    cursor.execute(
        "UPDATE courses SET current_students = current_students + 1 WHERE id = %s", [pair["course"]]
    )
    cursor.execute(
        "INSERT INTO course_enrollments (id, user_id, course_id, enrollment_type, total_price_paid,"
        " payment_status, status, enrolled_at, refund_amount, completion_percentage, created_at,"
        " updated_at) VALUES (%s, %s, %s, 'full_course', %s, 'paid', 'active', NOW(6), 0, 0,"
        " NOW(6), NOW(6))",
        [key, pair["student"], pair["course"], pair["price"]],
    )
    _hold(cursor, hold, pair, enrollment=key)
    _charge(cursor, hold, pair)


def buy_session(cursor: Any, pair: Pair) -> None:
    """Course locked, purchase, hold with its part, wallet, transfer."""
    key, hold = _new(), _new()
    pair = pair | {"sessions": pair["sessions"][:1], "price": SHARE}
    cursor.execute("SELECT id FROM courses WHERE id = %s FOR UPDATE", [pair["course"]])
    cursor.execute(
        "INSERT INTO session_purchases (id, user_id, course_id, session_id, price_paid,"
        " payment_status, status, purchased_at, refund_amount, attended,"
        " attendance_duration_minutes, created_at, updated_at)"
        " VALUES (%s, %s, %s, %s, %s, 'paid', 'active', NOW(6), 0, 0, 0, NOW(6), NOW(6))",
        [key, pair["student"], pair["course"], pair["sessions"][0], pair["price"]],
    )
    _hold(cursor, hold, pair, purchase=key)
    _charge(cursor, hold, pair)


def cancel(cursor: Any, pair: Pair) -> None:
    """Seat back, enrolment, hold, parts, wallet, a transfer for each part."""
    cursor.execute(
        "UPDATE courses SET current_students = current_students - 1 WHERE id = %s", [pair["course"]]
    )
    cursor.execute(
        "UPDATE course_enrollments SET status = 'cancelled', cancelled_at = NOW(6),"
        " payment_status = 'refunded', refund_amount = total_price_paid WHERE id = %s",
        [pair["enrollment"]],
    )
    cursor.execute(
        "SELECT id, amount FROM hold_parts WHERE hold_id = %s AND status = 'pending' FOR UPDATE",
        [pair["hold"]],
    )
    parts = cursor.fetchall()
    cursor.execute(
        "UPDATE hold_parts SET status = 'refunded', settled_at = NOW(6), refunded_amount = amount"
        " WHERE hold_id = %s",
        [pair["hold"]],
    )
    cursor.execute(
        "UPDATE payment_holds SET status = 'refunded', refunded_amount = amount WHERE id = %s",
        [pair["hold"]],
    )
    cursor.execute(
        "UPDATE ledger_accounts SET balance = balance + %s WHERE id = %s",
        [sum(amount for _, amount in parts), pair["wallet"]],
    )
    _transfer(
        cursor,
        [
            (f"refund:{part}", "refund", ESCROW, pair["wallet"], amount, pair["hold"])
            for part, amount in parts
        ],
    )


WRITES: dict[str, Act] = {"enrol": enrol, "buy a session": buy_session, "cancel": cancel}


def _hold(
    cursor: Any, hold: str, pair: Pair, enrollment: str | None = None, purchase: str | None = None
) -> None:
    cursor.execute(
        "INSERT INTO payment_holds (id, enrollment_id, session_purchase_id, teacher_id, student_id,"
        " sold_title, amount, released_amount, refunded_amount, commission_bp, referral_bp, status,"
        " held_at, release_percentage, notes)"
        " VALUES (%s, %s, %s, %s, %s, 'A course', %s, 0, 0, 3000, 0, 'held', NOW(6), 0, '')",
        [hold, enrollment, purchase, pair["teacher"], pair["student"], pair["price"]],
    )
    sessions = pair["sessions"]
    cursor.executemany(
        "INSERT INTO hold_parts (id, hold_id, session_id, amount, sold_title, sold_starts_at,"
        " sold_duration_minutes, status, reason, review_reason, teacher_amount, referrer_amount,"
        " platform_amount, refunded_amount)"
        " VALUES (%s, %s, %s, %s, '1. A session', NOW(6), 60, 'pending', '', '', 0, 0, 0, 0)",
        [[_new(), hold, session, pair["price"] / len(sessions)] for session in sessions],
    )


def _charge(cursor: Any, hold: str, pair: Pair) -> None:
    cursor.execute(
        "UPDATE ledger_accounts SET balance = balance - %s WHERE id = %s AND balance >= %s",
        [pair["price"], pair["wallet"], pair["price"]],
    )
    _transfer(cursor, [(f"hold:{hold}", "hold", pair["wallet"], ESCROW, pair["price"], hold)])


def _transfer(cursor: Any, rows: list[tuple[Any, ...]]) -> None:
    cursor.executemany(
        "INSERT INTO transfers (id, dedupe_key, kind, debit_account_id, credit_account_id, amount,"
        " hold_id, note, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, '', NOW(6))",
        [(_new(), *row) for row in rows],
    )


def _new() -> str:
    return uuid7().hex


def pairs_in(rows: Iterator[Pair], count: int) -> list[Pair]:
    """The next `count` of them."""
    return [pair for _, pair in zip(range(count), rows, strict=False)]
