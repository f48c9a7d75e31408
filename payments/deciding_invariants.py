"""What must hold of what staff decide; see `invariants` for the rules."""

from payments.invariants import Check, Invariant

PARTIES = Invariant(
    "I20",
    "Nobody is a party to what they decide, and each grant has the transfers of its status.",
    (
        Check(
            "the clerk's own credit was granted or revoked",
            """
            SELECT t.id, t.kind, t.amount FROM transfers t
            JOIN ledger_accounts c ON c.id = t.credit_account_id
            JOIN ledger_accounts d ON d.id = t.debit_account_id
            WHERE t.kind IN ('grant', 'revoke') AND t.actor_id IN (c.owner_id, d.owner_id)
            """,
        ),
        Check(
            "who asked for the grant, or gets it, decided on it",
            """
            SELECT id, status, amount FROM credit_grants
            WHERE asked_by_id = user_id OR decided_by_id IN (user_id, asked_by_id)
            """,
        ),
        Check(
            "the grant's transfers are not those of its status",
            """
            SELECT g.id, g.status, g.amount, COALESCE(t.given, 0) AS given
            FROM credit_grants g LEFT JOIN (
                SELECT grant_id, SUM(amount) AS given
                FROM transfers WHERE grant_id IS NOT NULL GROUP BY grant_id
            ) AS t ON t.grant_id = g.id
            WHERE ROUND(CASE WHEN g.status = 'granted' THEN g.amount ELSE 0 END
                - COALESCE(t.given, 0), 2) <> 0
            """,
        ),
        Check(
            "who gets the withdrawal decided on it, or paid it",
            """
            SELECT w.id, w.status, w.amount FROM withdrawals w
            LEFT JOIN transfers t ON t.withdrawal_id = w.id AND t.kind = 'payout'
            WHERE w.teacher_id IN (w.decided_by_id, t.actor_id)
            """,
        ),
        Check(
            "whose money it is decided on the part",
            """
            SELECT p.id, p.status, p.amount FROM hold_parts p
            JOIN payment_holds h ON h.id = p.hold_id
            JOIN transfers t ON t.hold_part_id = p.id
            WHERE p.reason = 'staff_decision'
                AND t.actor_id IN (h.student_id, h.teacher_id, h.referrer_id)
            """,
        ),
    ),
)
