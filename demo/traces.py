"""What bookings leave behind on a large platform, beside the money that they moved."""

from collections.abc import Iterator

from demo.rows import (
    ATTENDANCE,
    COURSE,
    ENROLLMENT,
    EVENT,
    KEY,
    LONG_AGO,
    MINUTES,
    NOTICE,
    PRICE,
    SESSION,
    SESSIONS,
    STAMPS,
    STUDENT,
    TOP_UP,
    Insert,
    Size,
    insert,
    key,
)

LOADED = "CONCAT('load-', #)"
# As `booking_made` is told.
FACTS = (
    "JSON_OBJECT('enrollment', {enrollment}, 'course', CONCAT('Course ', {course}), 'session', '',"
    f" 'teacher', 'Teacher', 'paid', '{PRICE}', 'settles_at', '2030-01-01T00:00:00+00:00')"
)


def of_bookings(size: Size) -> Iterator[Insert]:
    """Of each enrolment: its student was there, sent a key, and was told."""
    student, course = key(STUDENT, f"# DIV {size.each}"), f"# % {size.courses}"
    yield _attendances(size, student, course)
    yield _keys(size, student)
    yield _notices(size, student, course)
    mailbox = {"reader_id": key(STUDENT, "#"), "failures": 0}
    mailbox |= dict.fromkeys(("claimed_by", "stopped_address", "refusal"), "''")
    yield insert("mailboxes", size.students, mailbox)


def _attendances(size: Size, student: str, course: str) -> Insert:
    began = "NOW(6) - INTERVAL 30 DAY"
    over = f"{began} + INTERVAL {MINUTES} MINUTE"
    values = {
        "id": key(ATTENDANCE, "#"),
        "session_id": key(SESSION, f"{course} * {SESSIONS}"),
        "user_id": student,
        "connection": LOADED,
        "room_sid": "'RM'",
        "joined_at": began,
        "left_at": over,
        "seen_at": over,
        "removed": 0,
        "disconnect_reason": "''",
        "source": "'webhook'",
    }
    return insert("attendances", size.enrollments, values)


def _keys(size: Size, student: str) -> Insert:
    values = {
        "id": key(KEY, "#"),
        "user_id": student,
        "key": f"SHA2({LOADED}, 256)",
        "fingerprint": f"SHA2({LOADED}, 256)",
        "status": 201,
        "body": "'{}'",
        "created_at": "NOW(6) - INTERVAL # % 30 DAY",
    }
    # The name of the column is a word of SQL's.
    quoted = {f"`{name}`": value for name, value in values.items()}
    return insert("idempotency_records", size.enrollments, quoted)


def _notices(size: Size, student: str, course: str) -> Insert:
    values = {
        "id": key(NOTICE, "#"),
        "reader_id": student,
        "kind": "'booking_made'",
        "dedupe_key": LOADED,
        "facts": FACTS.format(enrollment=key(ENROLLMENT, "#"), course=course),
        "course_id": key(COURSE, course),
        "created_at": LONG_AGO,
        "is_notice": 1,
        "must_acknowledge": 0,
        "read_at": LONG_AGO,
        "mail": "'sent'",
        "mailed_at": LONG_AGO,
        "mail_note": "''",
    }
    return insert("notices", size.enrollments, values)


def of_top_ups(size: Size) -> Iterator[Insert]:
    """Of each student: one that was never paid, of which its processor told."""
    top_up = {
        "id": key(TOP_UP, "#"),
        "user_id": key(STUDENT, "#"),
        "method": "'stripe'",
        "amount": 5,
        "currency": "'usd'",
        "status": "'expired'",
        "reference": LOADED,
        "parameters": "'{}'",
        "payment_intent": "CONCAT('pi_', #)",
        "charge": "CONCAT('ch_', #)",
        "expires_at": LONG_AGO,
    }
    top_up |= dict.fromkeys(("refunded_amount", "disputed_amount", "live", "looks"), 0)
    top_up |= dict.fromkeys(("return_path", "return_url", "checkout_url", "problem"), "''")
    yield insert("top_ups", size.students, top_up | STAMPS)
    event = {
        "id": key(EVENT, "#"),
        "event_id": "CONCAT('evt_', #)",
        "type": "'checkout.session.expired'",
        "live": 0,
        "object_id": "CONCAT('pi_', #)",
        "top_up_id": key(TOP_UP, "#"),
        "note": "''",
    }
    event |= dict.fromkeys(("created", "received_at", "processed_at"), LONG_AGO)
    yield insert("processor_events", size.students, event)
