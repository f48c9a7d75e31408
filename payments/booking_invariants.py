"""What must hold between the bank's books and what was bought; see `invariants` for the rules.

The bank may not import what lies above it, so the tables of bookings are named only in SQL. As
there, outer joins say which table to start with: few rows are cancelled.
"""

from payments.invariants import Check, Invariant
from payments.reasons import Reason

HOLDS_OF_BOOKINGS = Invariant(
    "I6",
    "Each enrolment and purchase has its hold, of its price, and once cancelled no pending part "
    "of a session that has not started.",
    (
        Check(
            "the enrolment and its hold differ",
            """
            SELECT b.id, b.total_price_paid, h.amount AS held, b.refund_amount,
                h.refunded_amount AS refunded
            FROM course_enrollments b LEFT JOIN payment_holds h ON h.enrollment_id = b.id
            WHERE h.id IS NULL OR h.student_id <> b.user_id
                OR ROUND(b.total_price_paid - h.amount, 2) <> 0
                OR ROUND(b.refund_amount - h.refunded_amount, 2) <> 0
            """,
        ),
        Check(
            "the purchase and its hold differ",
            """
            SELECT b.id, b.price_paid, h.amount AS held, b.refund_amount,
                h.refunded_amount AS refunded
            FROM session_purchases b LEFT JOIN payment_holds h ON h.session_purchase_id = b.id
            WHERE h.id IS NULL OR h.student_id <> b.user_id
                OR ROUND(b.price_paid - h.amount, 2) <> 0
                OR ROUND(b.refund_amount - h.refunded_amount, 2) <> 0
            """,
        ),
        Check(
            "the hold pays for another session than the purchase",
            """
            SELECT b.id, b.session_id, p.session_id AS paid_for
            FROM session_purchases b
            JOIN payment_holds h ON h.session_purchase_id = b.id
            JOIN hold_parts p ON p.hold_id = h.id
            WHERE p.session_id <> b.session_id
            """,
        ),
        Check(
            "the part of a cancelled enrolment was not refunded",
            """
            SELECT p.id, b.id AS cancelled, s.starts_at
            FROM course_enrollments b
            LEFT JOIN payment_holds h ON h.enrollment_id = b.id
            LEFT JOIN hold_parts p ON p.hold_id = h.id
            LEFT JOIN course_sessions s ON s.id = p.session_id
            WHERE b.status = 'cancelled'
                AND CASE WHEN p.status = 'pending' AND s.starts_at > %(now)s THEN 1 ELSE 0 END = 1
            """,
        ),
        Check(
            "the part of a cancelled purchase was not refunded",
            """
            SELECT p.id, b.id AS cancelled, s.starts_at
            FROM session_purchases b
            JOIN payment_holds h ON h.session_purchase_id = b.id
            JOIN hold_parts p ON p.hold_id = h.id
            JOIN course_sessions s ON s.id = p.session_id
            WHERE b.status = 'cancelled' AND p.status = 'pending' AND s.starts_at > %(now)s
            """,
        ),
    ),
)

SEATS = Invariant(
    "I7",
    "A course counts its live enrolments; with the live singles of people who are not enrolled, no "
    "session to come is oversold.",
    (
        Check(
            "the count is not that of the live enrolments",
            """
            SELECT c.id, c.current_students, COALESCE(e.students, 0) AS enrolled
            FROM courses c LEFT JOIN enrolled e ON e.course_id = c.id
            WHERE c.current_students <> COALESCE(e.students, 0)
            """,
        ),
        Check(
            "the session is oversold",
            """
            SELECT s.id, c.max_students, COALESCE(e.students, 0) AS enrolled,
                COALESCE(b.singles, 0) AS singles
            FROM course_sessions s
            JOIN courses c ON c.id = s.course_id
            LEFT JOIN enrolled e ON e.course_id = c.id
            LEFT JOIN (
                SELECT p.session_id, COUNT(*) AS singles FROM session_purchases p
                LEFT JOIN course_enrollments e ON e.user_id = p.user_id
                    AND e.course_id = p.course_id AND e.live = 1
                WHERE p.live = 1 AND e.id IS NULL GROUP BY p.session_id
            ) AS b ON b.session_id = s.id
            WHERE s.status <> 'cancelled' AND s.starts_at > %(now)s
                AND COALESCE(e.students, 0) + COALESCE(b.singles, 0) > c.max_students
            """,
        ),
        Check(
            "everything paid came back: the next pass ends it, and frees its seat",
            """
            SELECT id, status, refund_amount FROM course_enrollments
            WHERE payment_status = 'refunded' AND live = 1
            """,
            notice=True,
        ),
    ),
)

NOTHING_TWICE = Invariant(
    "I8",
    "Nobody holds the same course or session twice.",
    (
        Check(
            "the user has the course twice",
            """
            SELECT user_id, course_id, COUNT(*) AS live FROM course_enrollments
            WHERE live = 1 GROUP BY user_id, course_id HAVING COUNT(*) > 1
            """,
        ),
        Check(
            "the user has the session twice",
            """
            SELECT user_id, session_id, COUNT(*) AS live FROM session_purchases
            WHERE live = 1 GROUP BY user_id, session_id HAVING COUNT(*) > 1
            """,
        ),
        Check(
            # Of all their holds, `m`, only those with such a part are read: an index has the keys.
            "the user pays for the session by the enrolment too",
            """
            SELECT b.user_id, b.session_id, e.id AS enrollment
            FROM session_purchases b
            JOIN payment_holds m ON m.student_id = b.user_id
            JOIN hold_parts p ON p.hold_id = m.id AND p.session_id = b.session_id
                AND p.status = 'pending'
            JOIN payment_holds h ON h.id = p.hold_id
            JOIN course_enrollments e ON e.id = h.enrollment_id AND e.status <> 'cancelled'
            WHERE b.status = 'active'
            """,
        ),
    ),
)

_PENDING = """
    SELECT p.id, p.hold_id, p.session_id, p.amount, p.review_reason
    FROM hold_parts p JOIN course_sessions s ON s.id = p.session_id
    WHERE p.status = 'pending'
"""

SETTLED_SESSIONS = Invariant(
    "I12",
    "No settled session has a pending part, but those under review.",
    (
        Check(
            "the session is settled, the part is not",
            f"{_PENDING} AND s.status = 'completed' AND p.review_reason = ''",
        ),
        Check(
            "under review: staff decide",
            """
            SELECT id, hold_id, session_id, amount, review_reason FROM hold_parts
            WHERE status = 'pending' AND review_reason <> ''
            """,
            notice=True,
        ),
        Check(
            "settled, but late events say otherwise: staff look",
            f"""
            SELECT id, hold_id, session_id, amount, status, reason, review_reason
            FROM hold_parts WHERE review_reason <> '' AND reason IN {Reason.BY_ATTENDANCE}
            """,  # noqa: S608 - words of ours
            notice=True,
        ),
        Check(
            "the session is cancelled: the next sweep refunds the part",
            f"{_PENDING} AND s.status = 'cancelled' AND p.review_reason = ''",
            notice=True,
        ),
    ),
)

ADMITTED = Invariant(
    "I15",
    "No session that is not over has more students with access than its course has seats.",
    (
        Check(
            # A refund for a session that isn't over was made before its end. The parts are counted
            # in an index; their students only if there are too many.
            "more students than seats have access to the session",
            """
            SELECT crowded.id, crowded.max_students, COUNT(DISTINCT h.student_id) AS admitted
            FROM (
                SELECT s.id, c.max_students
                FROM course_sessions s
                JOIN courses c ON c.id = s.course_id
                JOIN ends e ON e.session_id = s.id
                WHERE s.status IN ('scheduled', 'live') AND e.at > %(now)s
                    AND c.max_students < (
                        SELECT COUNT(*) FROM hold_parts p
                        WHERE p.session_id = s.id AND p.status IN ('pending', 'released')
                    )
            ) AS crowded
            JOIN hold_parts p ON p.session_id = crowded.id AND p.status IN ('pending', 'released')
            JOIN payment_holds h ON h.id = p.hold_id
            GROUP BY crowded.id, crowded.max_students
            HAVING COUNT(DISTINCT h.student_id) > crowded.max_students
            """,
        ),
    ),
)

NEXT_STARTS = Invariant(
    "I21",
    "The next start that is kept of a course is that of its sessions, until it has passed.",
    (
        Check(
            "another session starts next: roll_next_starts --all",
            """
            SELECT c.id, c.next_starts_at AS kept, s.starts_at AS next
            FROM courses c LEFT JOIN (
                SELECT course_id, MIN(starts_at) AS starts_at FROM course_sessions
                WHERE on_offer = 1 AND starts_at > %(now)s GROUP BY course_id
            ) AS s ON s.course_id = c.id
            WHERE c.next_starts_at <> s.starts_at AND c.next_starts_at > %(now)s
                OR c.next_starts_at IS NULL AND s.starts_at IS NOT NULL
                OR c.next_starts_at > %(now)s AND s.starts_at IS NULL
            """,
        ),
    ),
)
