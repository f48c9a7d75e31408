"""What must be true of money that comes from outside and goes back: see `invariants`."""

from payments.invariants import Check, Invariant

TOP_UPS = Invariant(
    "I16",
    "Each paid top-up has one credit of its amount, no other has any; all are real, or none is.",
    (
        Check(
            "its credit is not that of its status",
            """
            SELECT u.id, u.status, u.amount, COALESCE(t.times, 0) AS times, t.credited
            FROM top_ups u LEFT JOIN (
                SELECT top_up_id, SUM(amount) AS credited,
                    COUNT(DISTINCT REPLACE(dedupe_key, ':debt', '')) AS times
                FROM transfers WHERE kind = 'top_up' GROUP BY top_up_id
            ) AS t ON t.top_up_id = u.id
            WHERE COALESCE(t.times, 0) <> CASE WHEN u.status = 'paid' THEN 1 ELSE 0 END
                OR ROUND(u.amount - COALESCE(t.credited, u.amount), 2) <> 0
            """,
        ),
        Check(
            "a credit of no top-up",
            """
            SELECT id, dedupe_key, amount FROM transfers
            WHERE kind IN ('top_up', 'fee') AND top_up_id IS NULL
            """,
        ),
        Check(
            "what was booked is not its fee",
            """
            SELECT u.id, u.fee, COALESCE(t.booked, 0) AS booked
            FROM top_ups u LEFT JOIN (
                SELECT top_up_id, SUM(amount) AS booked
                FROM transfers WHERE kind = 'fee' GROUP BY top_up_id
            ) AS t ON t.top_up_id = u.id
            WHERE ROUND(CASE WHEN u.fee_booked_at IS NULL THEN 0 ELSE COALESCE(u.fee, 0) END
                - COALESCE(t.booked, 0), 2) <> 0
            """,
        ),
        Check(
            "nobody asks for its fee any more",
            """
            SELECT id, reference, amount FROM top_ups
            WHERE status = 'paid' AND fee_booked_at IS NULL AND next_look_at IS NULL
            """,
        ),
        Check(
            "no real money, where others paid with real money",
            """
            SELECT id, reference, amount FROM top_ups
            WHERE status = 'paid' AND NOT live
                AND EXISTS (SELECT 1 FROM top_ups r WHERE r.status = 'paid' AND r.live)
            """,
        ),
    ),
)

DEBTS = Invariant(
    "I17",
    "What users owe is what was moved for it, and nobody who owes has credit.",
    (
        Check(
            "the account of debts and what is owed differ",
            """
            SELECT 'debts', d.moved, u.owed
            FROM (SELECT COALESCE(SUM(amount), 0) AS moved
                  FROM system_sums WHERE kind = 'debts') AS d
            CROSS JOIN (SELECT COALESCE(SUM(owed), 0) AS owed FROM ledger_accounts) AS u
            WHERE ROUND(d.moved + u.owed, 2) <> 0
            """,
        ),
        Check(
            "it is not what was moved for this debtor",
            """
            SELECT u.id AS user_id, COALESCE(a.owed, 0) AS owed, COALESCE(t.lent, 0) AS moved
            FROM users u
            LEFT JOIN ledger_accounts a ON a.owner_id = u.id AND a.kind = 'wallet'
            LEFT JOIN (
                SELECT t.debtor_id,
                    SUM(CASE WHEN d.kind = 'debts' THEN t.amount ELSE -t.amount END) AS lent
                FROM transfers t JOIN ledger_accounts d ON d.id = t.debit_account_id
                WHERE t.debtor_id IS NOT NULL GROUP BY t.debtor_id
            ) AS t ON t.debtor_id = u.id
            WHERE ROUND(COALESCE(a.owed, 0) - COALESCE(t.lent, 0), 2) <> 0
            """,
        ),
        Check(
            "owes, and has credit, or is no wallet",
            """
            SELECT id, kind, balance, owed FROM ledger_accounts
            WHERE owed < 0 OR (owed > 0 AND (kind <> 'wallet' OR balance <> 0))
            """,
        ),
        Check(
            "it names a debtor, and no debt",
            """
            SELECT t.id, t.dedupe_key FROM transfers t
            JOIN ledger_accounts d ON d.id = t.debit_account_id
            JOIN ledger_accounts c ON c.id = t.credit_account_id
            WHERE t.debtor_id IS NOT NULL AND d.kind <> 'debts' AND c.kind <> 'debts'
            """,
        ),
        Check(
            "it is a debt of nobody",
            """
            SELECT t.id, t.dedupe_key FROM ledger_accounts a
            JOIN transfers t ON t.debit_account_id = a.id
            WHERE a.owner_id IS NULL AND a.kind = 'debts' AND t.debtor_id IS NULL
            UNION ALL
            SELECT t.id, t.dedupe_key FROM ledger_accounts a
            JOIN transfers t ON t.credit_account_id = a.id
            WHERE a.owner_id IS NULL AND a.kind = 'debts' AND t.debtor_id IS NULL
            """,
        ),
        Check(
            "what was written off is not what was decided",
            """
            SELECT u.id AS user_id, COALESCE(w.amount, 0) AS decided, COALESCE(t.amount, 0) AS moved
            FROM users u
            LEFT JOIN (
                SELECT debtor_id, SUM(amount) AS amount FROM debt_write_offs
                WHERE status = 'written_off' GROUP BY debtor_id
            ) AS w ON w.debtor_id = u.id
            LEFT JOIN (
                SELECT debtor_id, SUM(amount) AS amount FROM transfers
                WHERE kind = 'write_off' GROUP BY debtor_id
            ) AS t ON t.debtor_id = u.id
            WHERE ROUND(COALESCE(w.amount, 0) - COALESCE(t.amount, 0), 2) <> 0
            """,
        ),
        Check(
            "what came back of it for the platform is not what was moved",
            """
            SELECT u.id AS user_id, COALESCE(w.recovered, 0) AS recovered,
                COALESCE(t.amount, 0) AS moved
            FROM users u
            LEFT JOIN (
                SELECT debtor_id, SUM(recovered) AS recovered FROM debt_write_offs
                GROUP BY debtor_id
            ) AS w ON w.debtor_id = u.id
            LEFT JOIN (
                SELECT p.user_id, SUM(m.amount) AS amount FROM transfers m
                JOIN ledger_accounts a ON a.id = m.credit_account_id AND a.kind = 'platform'
                JOIN top_ups p ON p.id = m.top_up_id
                WHERE m.kind = 'dispute_won' GROUP BY p.user_id
            ) AS t ON t.user_id = u.id
            WHERE ROUND(COALESCE(w.recovered, 0) - COALESCE(t.amount, 0), 2) <> 0
            """,
        ),
        Check(
            "the debtor has what came back of it, and the platform has paid",
            """
            SELECT w.id, w.amount, w.recovered, g.id AS transfer_id
            FROM debt_write_offs w
            JOIN top_ups u ON u.user_id = w.debtor_id
            JOIN disputes d ON d.top_up_id = u.id
            JOIN (
                SELECT dispute_id, MIN(created_at) AS taken_at FROM transfers
                WHERE kind = 'dispute' GROUP BY dispute_id
            ) AS t ON t.dispute_id = d.id AND t.taken_at < w.decided_at
            JOIN transfers g ON g.dispute_id = d.id AND g.kind = 'dispute_won'
                AND g.created_at > w.decided_at
            JOIN ledger_accounts c ON c.id = g.credit_account_id AND c.kind <> 'platform'
            WHERE w.status = 'written_off' AND ROUND(w.amount - w.recovered, 2) > 0
            """,
        ),
    ),
)

DISPUTES = Invariant(
    "I19",
    "Each dispute's transfers are those of its state, and no more of a top-up is taken than left.",
    (
        Check(
            "what it took, gave back and cost is not what was transferred",
            """
            SELECT d.id, d.taken, COALESCE(t.taken, 0) AS took, d.given_back,
                COALESCE(t.given, 0) AS gave, d.fee, COALESCE(t.fee, 0) AS paid
            FROM disputes d LEFT JOIN (
                SELECT m.dispute_id,
                    SUM(CASE WHEN m.kind = 'dispute' THEN m.amount ELSE 0 END) AS taken,
                    SUM(CASE WHEN m.kind = 'dispute_won' THEN m.amount ELSE 0 END) AS given,
                    SUM(CASE WHEN m.kind <> 'dispute_fee' THEN 0
                        WHEN a.kind = 'fees' THEN m.amount ELSE -m.amount END) AS fee
                FROM transfers m JOIN ledger_accounts a ON a.id = m.debit_account_id
                WHERE m.dispute_id IS NOT NULL GROUP BY m.dispute_id
            ) AS t ON t.dispute_id = d.id
            WHERE ROUND(d.taken - COALESCE(t.taken, 0), 2) <> 0
                OR ROUND(d.given_back - COALESCE(t.given, 0), 2) <> 0
                OR ROUND(d.fee - COALESCE(t.fee, 0), 2) <> 0
            """,
        ),
        Check(
            "it moved what it cannot have moved as it stands",
            """
            SELECT id, status, taken, given_back FROM disputes
            WHERE given_back < 0 OR ROUND(taken - given_back, 2) < 0
                OR (status IN ('warning_needs_response', 'warning_under_review', 'warning_closed',
                    'prevented') AND ROUND(taken - given_back, 2) <> 0)
                OR (status = 'lost' AND given_back > 0 AND ROUND(taken - given_back, 2) = 0)
            """,
        ),
        Check(
            "nobody asks about it any more",
            """
            SELECT id, status, taken, given_back FROM disputes
            WHERE next_look_at IS NULL AND (problem <> ''
                OR status IN ('needs_response', 'under_review', 'warning_needs_response',
                    'warning_under_review')
                OR (status = 'won' AND taken > 0 AND given_back = 0)
                OR (status = 'lost' AND taken = 0))
            """,
        ),
        Check(
            "a movement of no dispute",
            """
            SELECT id, dedupe_key, amount FROM transfers
            WHERE kind IN ('dispute', 'dispute_won', 'dispute_fee') AND dispute_id IS NULL
            """,
        ),
        Check(
            "what is disputed of the top-up is not what its disputes withhold",
            """
            SELECT u.id, u.amount, u.refunded_amount, u.disputed_amount, w.withheld
            FROM top_ups u LEFT JOIN (
                SELECT top_up_id, SUM(CASE
                    WHEN taken = 0 AND status IN ('needs_response', 'under_review') THEN amount
                    ELSE taken - given_back END) AS withheld
                FROM disputes GROUP BY top_up_id
            ) AS w ON w.top_up_id = u.id
            WHERE u.status = 'paid' AND ROUND(u.disputed_amount - CASE
                WHEN COALESCE(w.withheld, 0) < u.amount - u.refunded_amount
                THEN COALESCE(w.withheld, 0) ELSE u.amount - u.refunded_amount END, 2) <> 0
            """,
        ),
    ),
)

REFUNDS = Invariant(
    "I18",
    "What is being refunded equals the open refunds, and no top-up gives back more than was paid.",
    (
        Check(
            "the account and the open refunds differ",
            """
            SELECT 'refunding', r.moved, o.asked
            FROM (SELECT COALESCE(SUM(amount), 0) AS moved
                  FROM system_sums WHERE kind = 'refunding') AS r
            CROSS JOIN (SELECT COALESCE(SUM(amount), 0) AS asked FROM top_up_refunds
                        WHERE status IN ('requested', 'sent')) AS o
            WHERE ROUND(r.moved - o.asked, 2) <> 0
            """,
        ),
        Check(
            "the transfers are not those of its status",
            """
            SELECT r.id, r.status, r.amount, t.reserved, t.sent, t.returned
            FROM top_up_refunds r LEFT JOIN (
                SELECT refund_id,
                    SUM(CASE WHEN kind = 'payback' THEN amount ELSE 0 END) AS reserved,
                    SUM(CASE WHEN kind = 'payback_sent' THEN amount ELSE 0 END) AS sent,
                    SUM(CASE WHEN kind = 'payback_returned' THEN amount ELSE 0 END) AS returned
                FROM transfers WHERE refund_id IS NOT NULL GROUP BY refund_id
            ) AS t ON t.refund_id = r.id
            WHERE t.refund_id IS NULL OR ROUND(r.amount - t.reserved, 2) <> 0
                OR ROUND(t.sent
                    - CASE WHEN r.succeeded_at IS NULL THEN 0 ELSE r.amount END, 2) <> 0
                OR ROUND(t.returned
                    - CASE WHEN r.status = 'failed' THEN r.amount ELSE 0 END, 2) <> 0
            """,
        ),
        Check(
            "it was refunded to another than its payer",
            """
            SELECT r.id, r.user_id, u.user_id AS payer
            FROM top_up_refunds r JOIN top_ups u ON u.id = r.top_up_id
            WHERE r.user_id <> u.user_id
            """,
        ),
        Check(
            "refunded and disputed are more than was paid, or less than its refunds",
            """
            SELECT u.id, u.amount, u.refunded_amount, u.disputed_amount,
                COALESCE(r.amount, 0) AS refunds
            FROM top_ups u LEFT JOIN (
                SELECT top_up_id, SUM(amount) AS amount FROM top_up_refunds
                WHERE status <> 'failed' GROUP BY top_up_id
            ) AS r ON r.top_up_id = u.id
            WHERE ROUND(u.amount - u.refunded_amount - u.disputed_amount, 2) < 0
                OR ROUND(u.refunded_amount - COALESCE(r.amount, 0), 2) <> 0
            """,
        ),
    ),
)
