"""What must be true of the books at any moment, as SQL that gives the rows for which it isn't.

Every query runs unchanged on MariaDB, MySQL and SQLite, whose decimals are floats: hence the
rounding. Its first column names the offending row, the others say what was found. There are
millions of transfers and parts, so what several checks sum is summed once per audit (`SHARED`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """`sql` finds offending rows, for which `problem` is true; a notice is not a violation."""

    problem: str
    sql: str
    notice: bool = False


@dataclass(frozen=True)
class Invariant:
    code: str
    promise: str
    checks: tuple[Check, ...]


# The only thing that every database says differently.
SESSION_ENDS = {
    "mysql": "starts_at + INTERVAL duration_minutes MINUTE",
    "sqlite": "django_format_dtdelta('+', starts_at, duration_minutes * 60000000)",
}
# Common tables of several checks; they come before every query.
COMMON = """
    WITH account_sums AS ({account_sums}), system_sums AS (
        SELECT kind, SUM(amount) AS amount FROM account_sums WHERE owner_id IS NULL GROUP BY kind
    ), enrolled AS (
        SELECT course_id, COUNT(*) AS students FROM course_enrollments
        WHERE status <> 'cancelled' GROUP BY course_id
    ), ends AS (
        SELECT id AS session_id, {session_ends} AS at FROM course_sessions
    ), part_sums AS ({part_sums}), part_moves AS ({part_moves})
"""
# What the balance of a user's account may not be: `a` is the account, `m` what it moved.
_OTHER_BALANCE = """
    a.balance IS NULL OR a.balance < 0 OR ROUND(a.balance - COALESCE(m.amount, 0), 2) <> 0
"""
# What the parts of a hold may not add up to: `h` is the hold, `p` its sums.
_OTHER_STATUS = """
    h.status <> CASE WHEN COALESCE(p.pending, 0) > 0 THEN 'held'
        WHEN h.released_amount > 0 THEN 'released' ELSE 'refunded' END
"""
_OTHER_TOTALS = """
    p.amount IS NULL OR ROUND(h.amount - p.amount, 2) <> 0
    OR ROUND(h.released_amount - p.released, 2) <> 0
    OR ROUND(h.refunded_amount - p.refunded, 2) <> 0
"""
# R is what has been released so far. A share is rounded down to the cent, so what is left of R *
# rate, in ten-thousandths, is less than a cent. This avoids FLOOR, which SQLite may lack.
_OTHER_SHARES = """
    ROUND(p.released * (10000 - h.commission_bp) - p.teacher * 10000, 2) NOT BETWEEN 0 AND 99.99
    OR ROUND((p.released - p.teacher)
        * CASE WHEN h.referrer_id IS NULL THEN 0 ELSE h.referral_bp END
        - p.referrer * 10000, 2) NOT BETWEEN 0 AND 99.99
"""
# What the transfers of a part, `t` their sums, may not add up to; `p` is the part.
_OTHER_MOVES = """
    ROUND(p.teacher_amount - t.teacher, 2) <> 0
    OR ROUND(p.referrer_amount - t.referrer, 2) <> 0
    OR ROUND(p.platform_amount - t.platform, 2) <> 0
    OR ROUND(p.refunded_amount - t.refunded, 2) <> 0
"""
# Common tables whose rows the audit keeps, so that it asks for them once: what the transfers of
# accounts add up to, of the system's and where it is not the balance; and the parts of holds, and
# the transfers of parts, where that is not what it should be.
SHARED = {
    "account_sums": f"""
        SELECT a.id AS account_id, a.kind, a.owner_id, COALESCE(m.amount, 0) AS amount
        FROM ledger_accounts a LEFT JOIN (
            SELECT account_id, SUM(amount) AS amount FROM (
                SELECT credit_account_id AS account_id, SUM(amount) AS amount
                FROM transfers GROUP BY credit_account_id
                UNION ALL
                SELECT debit_account_id, -SUM(amount) FROM transfers GROUP BY debit_account_id
            ) AS sides GROUP BY account_id
        ) AS m ON m.account_id = a.id
        WHERE a.owner_id IS NULL OR {_OTHER_BALANCE}
    """,  # noqa: S608 - words of ours
    "part_sums": f"""
        SELECT h.id AS hold_id, p.amount, p.pending, p.released, p.refunded, p.teacher, p.referrer
        FROM payment_holds h LEFT JOIN (
            SELECT hold_id, SUM(amount) AS amount, SUM(refunded_amount) AS refunded,
                SUM(CASE WHEN status = 'pending' THEN 1 ELSE 0 END) AS pending,
                SUM(teacher_amount + referrer_amount + platform_amount) AS released,
                SUM(teacher_amount) AS teacher, SUM(referrer_amount) AS referrer
            FROM hold_parts GROUP BY hold_id
        ) AS p ON p.hold_id = h.id
        WHERE {_OTHER_STATUS} OR {_OTHER_TOTALS} OR {_OTHER_SHARES}
    """,  # noqa: S608 - words of ours
    "part_moves": f"""
        SELECT t.part_id, t.teacher, t.referrer, t.platform, t.refunded
        FROM (
            SELECT hold_part_id AS part_id,
                SUM(CASE WHEN dedupe_key LIKE '%%:teacher' THEN amount ELSE 0 END) AS teacher,
                SUM(CASE WHEN dedupe_key LIKE '%%:referrer' THEN amount ELSE 0 END) AS referrer,
                SUM(CASE WHEN dedupe_key LIKE '%%:platform' THEN amount ELSE 0 END) AS platform,
                SUM(CASE WHEN kind = 'refund' THEN amount ELSE 0 END) AS refunded,
                MIN(hold_id) AS first_hold, MAX(hold_id) AS last_hold
            FROM transfers WHERE hold_part_id IS NOT NULL GROUP BY hold_part_id
        ) AS t LEFT JOIN hold_parts p ON p.id = t.part_id
        WHERE {_OTHER_MOVES} OR p.id IS NULL
            OR t.first_hold <> p.hold_id OR t.last_hold <> p.hold_id
    """,  # noqa: S608 - words of ours
}

BALANCES = Invariant(
    "I1",
    "Every user account's balance equals its transfers, and is not below zero.",
    (
        Check(
            "the balance is not what its transfers add up to, or is below zero",
            f"""
            SELECT a.id, a.kind, a.balance, m.amount AS moved
            FROM account_sums m JOIN ledger_accounts a ON a.id = m.account_id
            WHERE a.owner_id IS NOT NULL AND ({_OTHER_BALANCE})
            """,  # noqa: S608 - words of ours
        ),
    ),
)

ESCROW = Invariant(
    "I2",
    "Escrow equals what is held and unsettled.",
    (
        Check(
            "the account and the holds differ",
            """
            SELECT 'escrow', e.moved AS in_escrow, h.held
            FROM (SELECT COALESCE(SUM(amount), 0) AS moved
                  FROM system_sums WHERE kind = 'escrow') AS e
            CROSS JOIN (SELECT COALESCE(SUM(amount - released_amount - refunded_amount), 0) AS held
                        FROM payment_holds) AS h
            WHERE ROUND(e.moved - h.held, 2) <> 0
            """,
        ),
    ),
)

HOLD_STATUS = Invariant(
    "I3",
    "No hold gives out more than it took, and its status agrees.",
    (
        Check(
            "released and refunded are more than the amount",
            """
            SELECT id, amount, released_amount, refunded_amount FROM payment_holds
            WHERE ROUND(amount - released_amount - refunded_amount, 2) < 0
                OR released_amount < 0 OR refunded_amount < 0
            """,
        ),
        Check(
            "the status is not the one that its parts give it",
            f"""
            SELECT h.id, h.status, h.released_amount, COALESCE(p.pending, 0) AS pending
            FROM part_sums p JOIN payment_holds h ON h.id = p.hold_id WHERE {_OTHER_STATUS}
            """,  # noqa: S608 - words of ours
        ),
    ),
)

HOLD_TRANSFERS = Invariant(
    "I4",
    "Each hold's totals equal its transfers, and so do each part's.",
    (
        Check(
            "the totals are not what was transferred",
            """
            SELECT h.id, h.amount, h.released_amount, h.refunded_amount,
                SUM(CASE WHEN t.kind = 'hold' THEN t.amount ELSE 0 END) AS taken,
                SUM(CASE WHEN t.kind = 'release' THEN t.amount ELSE 0 END) AS released,
                SUM(CASE WHEN t.kind = 'refund' THEN t.amount ELSE 0 END) AS refunded
            FROM payment_holds h LEFT JOIN transfers t ON t.hold_id = h.id GROUP BY h.id
            HAVING ROUND(h.amount - taken, 2) <> 0
                OR ROUND(h.released_amount - released, 2) <> 0
                OR ROUND(h.refunded_amount - refunded, 2) <> 0
            """,
        ),
        Check(
            # A part of which nothing was transferred shows in the totals of its hold.
            "the part's shares are not what was transferred",
            f"""
            SELECT p.id, p.teacher_amount, t.teacher, p.referrer_amount, t.referrer,
                p.platform_amount, t.platform, p.refunded_amount, t.refunded
            FROM part_moves t JOIN hold_parts p ON p.id = t.part_id WHERE {_OTHER_MOVES}
            """,  # noqa: S608 - words of ours
        ),
    ),
)

HOLD_PARTS = Invariant(
    "I5",
    "Each hold's totals equal its parts, and each part is settled whole or not at all.",
    (
        Check(
            "the totals are not those of its parts",
            f"""
            SELECT h.id, h.amount, p.amount AS parts, h.released_amount, p.released,
                h.refunded_amount, p.refunded
            FROM part_sums p JOIN payment_holds h ON h.id = p.hold_id WHERE {_OTHER_TOTALS}
            """,  # noqa: S608 - words of ours
        ),
        Check(
            "what was given out of the part does not fit its status",
            """
            SELECT id, status, amount, teacher_amount, referrer_amount, platform_amount,
                refunded_amount
            FROM hold_parts
            WHERE CASE status
                WHEN 'pending' THEN teacher_amount + referrer_amount + platform_amount <> 0
                    OR refunded_amount <> 0
                WHEN 'released' THEN refunded_amount <> 0
                    OR ROUND(teacher_amount + referrer_amount + platform_amount - amount, 2) <> 0
                WHEN 'refunded' THEN teacher_amount + referrer_amount + platform_amount <> 0
                    OR ROUND(refunded_amount - amount, 2) <> 0
                ELSE 1 END
            """,
        ),
    ),
)

SHARES = Invariant(
    "I13",
    "The shares of what is released are those of the rates frozen in the hold.",
    (
        Check(
            "the shares are not those of the frozen rates",
            f"""
            SELECT h.id, h.commission_bp, h.referral_bp, p.released, p.teacher, p.referrer
            FROM part_sums p JOIN payment_holds h ON h.id = p.hold_id WHERE {_OTHER_SHARES}
            """,  # noqa: S608 - words of ours
        ),
    ),
)

ZERO_SUM = Invariant(
    "I11",
    "All accounts together are zero, and the system has one account of each of its kinds.",
    (
        Check(
            "money was made or lost",
            """
            SELECT 'all accounts', u.balance + s.amount AS total
            FROM (SELECT COALESCE(SUM(balance), 0) AS balance FROM ledger_accounts) AS u
            CROSS JOIN (SELECT SUM(amount) AS amount FROM system_sums) AS s
            WHERE ROUND(u.balance + s.amount, 2) <> 0
            """,
        ),
        Check(
            "the kind does not fit the owner",
            """
            SELECT id, kind, owner_id FROM ledger_accounts
            WHERE (owner_id IS NULL AND kind NOT IN
                    ('issued', 'escrow', 'platform', 'paid_out', 'stripe', 'bank', 'rehearsal',
                    'in_transit', 'refunding', 'fees', 'debts'))
                OR (owner_id IS NOT NULL AND kind NOT IN ('wallet', 'earnings', 'withdrawing'))
            """,
        ),
        Check(
            "the system has more than one account of this kind",
            """
            SELECT kind, COUNT(*) AS accounts FROM ledger_accounts
            WHERE owner_id IS NULL GROUP BY kind HAVING COUNT(*) > 1
            """,
        ),
    ),
)

# Outer joins keep the transfers first: one pass over them, and everything else is found by key.
DIRECTIONS = Invariant(
    "I14",
    "Each transfer debits and credits who it should.",
    (
        Check(
            "this kind of transfer does not go from there to there",
            """
            SELECT t.id, t.dedupe_key, t.kind, d.kind AS debited, c.kind AS credited
            FROM transfers t
            LEFT JOIN ledger_accounts d ON d.id = t.debit_account_id
            LEFT JOIN ledger_accounts c ON c.id = t.credit_account_id
            LEFT JOIN payment_holds h ON h.id = t.hold_id
            LEFT JOIN withdrawals w ON w.id = t.withdrawal_id
            LEFT JOIN top_ups u ON u.id = t.top_up_id
            WHERE t.amount <= 0 OR COALESCE(CASE t.kind
                WHEN 'grant' THEN d.kind IN ('issued', 'platform')
                    AND (c.kind = 'wallet' OR c.kind = 'debts')
                WHEN 'revoke' THEN d.kind = 'wallet' AND c.kind = 'issued'
                WHEN 'hold' THEN d.kind = 'wallet' AND d.owner_id = h.student_id
                    AND c.kind = 'escrow' AND t.hold_part_id IS NULL
                WHEN 'refund' THEN d.kind = 'escrow' AND t.hold_part_id IS NOT NULL
                    AND (c.kind = 'wallet' AND c.owner_id = h.student_id
                        OR c.kind = 'debts' AND t.debtor_id = h.student_id)
                WHEN 'release' THEN d.kind = 'escrow' AND h.id IS NOT NULL
                    AND t.hold_part_id IS NOT NULL AND CASE
                    WHEN t.dedupe_key LIKE '%%:teacher'
                        THEN c.kind = 'earnings' AND c.owner_id = h.teacher_id
                    WHEN t.dedupe_key LIKE '%%:referrer'
                        THEN c.kind = 'earnings' AND c.owner_id = h.referrer_id
                    WHEN t.dedupe_key LIKE '%%:platform' THEN c.kind = 'platform' END
                WHEN 'withdraw' THEN d.kind = 'earnings' AND d.owner_id = w.teacher_id
                    AND c.kind = 'withdrawing' AND c.owner_id = w.teacher_id
                WHEN 'withdrawal_returned' THEN d.kind = 'withdrawing'
                    AND d.owner_id = w.teacher_id
                    AND c.kind = 'earnings' AND c.owner_id = w.teacher_id
                WHEN 'payout' THEN d.kind = 'withdrawing' AND d.owner_id = w.teacher_id
                    AND c.kind = 'paid_out'
                WHEN 'top_up' THEN d.kind = u.method
                    AND (c.kind = 'wallet' AND c.owner_id = u.user_id
                        OR c.kind = 'debts' AND t.debtor_id = u.user_id)
                WHEN 'payback' THEN d.kind = 'wallet' AND d.owner_id = u.user_id
                    AND c.kind = 'refunding' AND t.refund_id IS NOT NULL
                WHEN 'payback_sent' THEN d.kind = 'refunding' AND c.kind = u.method
                    AND t.refund_id IS NOT NULL
                WHEN 'payback_returned' THEN d.kind IN ('refunding', u.method)
                    AND t.refund_id IS NOT NULL
                    AND (c.kind = 'wallet' AND c.owner_id = u.user_id
                        OR c.kind = 'debts' AND t.debtor_id = u.user_id)
                WHEN 'dispute' THEN c.kind = u.method
                    AND (d.kind = 'wallet' AND d.owner_id = u.user_id
                        OR d.kind = 'debts' AND t.debtor_id = u.user_id)
                WHEN 'dispute_won' THEN d.kind = u.method
                    AND (c.kind = 'wallet' AND c.owner_id = u.user_id
                        OR c.kind = 'debts' AND t.debtor_id = u.user_id
                        OR c.kind = 'platform')
                WHEN 'write_off' THEN d.kind = 'platform' AND c.kind = 'debts'
                WHEN 'dispute_fee' THEN d.kind = 'fees' AND c.kind = u.method
                    OR d.kind = u.method AND c.kind = 'fees'
                WHEN 'fee' THEN d.kind = 'fees' AND c.kind = u.method
                END, 0) = 0
            """,
        ),
        Check(
            "the part is none of its hold",
            """
            SELECT t.id, t.dedupe_key, t.hold_id, p.hold_id AS of_part
            FROM part_moves m JOIN transfers t ON t.hold_part_id = m.part_id
            LEFT JOIN hold_parts p ON p.id = m.part_id
            WHERE p.id IS NULL OR t.hold_id <> p.hold_id
            """,
        ),
    ),
)

OPEN_WITHDRAWALS = Invariant(
    "I9",
    "What is being withdrawn equals the open withdrawals.",
    (
        Check(
            "the account and the open withdrawals differ",
            """
            SELECT u.id AS user_id, COALESCE(a.balance, 0) AS withdrawing,
                COALESCE(w.asked, 0) AS asked
            FROM users u
            LEFT JOIN ledger_accounts a ON a.owner_id = u.id AND a.kind = 'withdrawing'
            LEFT JOIN (
                SELECT teacher_id, SUM(amount) AS asked FROM withdrawals
                WHERE status IN ('requested', 'approved') GROUP BY teacher_id
            ) AS w ON w.teacher_id = u.id
            WHERE ROUND(COALESCE(a.balance, 0) - COALESCE(w.asked, 0), 2) <> 0
            """,
        ),
    ),
)

WITHDRAWAL_TRANSFERS = Invariant(
    "I10",
    "Each withdrawal has exactly the transfers of its status.",
    (
        Check(
            "the transfers are not those of its status",
            """
            SELECT w.id, w.status, w.amount, t.reserved, t.paid, t.returned
            FROM withdrawals w LEFT JOIN (
                SELECT withdrawal_id, COUNT(*) AS made,
                    SUM(CASE WHEN kind = 'withdraw' THEN amount ELSE 0 END) AS reserved,
                    SUM(CASE WHEN kind = 'payout' THEN amount ELSE 0 END) AS paid,
                    SUM(CASE WHEN kind = 'withdrawal_returned' THEN amount ELSE 0 END) AS returned
                FROM transfers WHERE withdrawal_id IS NOT NULL GROUP BY withdrawal_id
            ) AS t ON t.withdrawal_id = w.id
            WHERE t.withdrawal_id IS NULL
                OR w.status NOT IN
                    ('requested', 'approved', 'completed', 'rejected', 'cancelled')
                OR t.made <> CASE WHEN w.status IN ('requested', 'approved') THEN 1 ELSE 2 END
                OR ROUND(w.amount - t.reserved, 2) <> 0
                OR ROUND(t.paid
                    - CASE WHEN w.status = 'completed' THEN w.amount ELSE 0 END, 2) <> 0
                OR ROUND(t.returned - CASE WHEN w.status IN ('rejected', 'cancelled')
                    THEN w.amount ELSE 0 END, 2) <> 0
            """,
        ),
    ),
)
