"""A large platform to measure on: the database makes the rows itself, and the money adds up.

Nothing here goes through a service. Every student was granted credit and is enrolled in courses of
four sessions, the first of which has happened and been paid out, and bought a session of another.
Each enrolment left a key, a notice and an attendance behind, each student an expired top-up.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction

from demo import traces
from demo.rows import (
    ACCOUNT,
    COURSE,
    ENROLLMENT,
    HOLD,
    LONG_AGO,
    MINUTES,
    PART,
    PRICE,
    PURCHASE,
    SESSION,
    SESSIONS,
    SHARE,
    STAMPS,
    STUDENT,
    TEACHER,
    TRANSFER,
    Insert,
    Size,
    insert,
    key,
)
from payments import commission
from payments.models import SYSTEM_ACCOUNTS, LedgerAccount

CHUNK = 10_000
GRANT = Decimal("100000.00")

# SQL about a row; `#` stands for the row's number.
IS_FIRST = f"# % {SESSIONS} = 0"
NEXT_STARTS_AT = "NOW(6) + INTERVAL 31 DAY"
# When a session starts, counted from the next start that its course keeps.
FROM_NEXT = f"INTERVAL IF({IS_FIRST}, -61, # % {SESSIONS} - 1) DAY"
STARTS = (
    "CONCAT('[', GROUP_CONCAT(DATE_FORMAT(starts_at, '\"%Y-%m-%dT%H:%i:%S.%f+00:00\"')"
    " ORDER BY session_number), ']')"
)
# What courses and their teachers are found by, as SQL, and whether it leads.
WORDS = dict.fromkeys(("'course'", "CONCAT(#)", "'english'", "'beginner'", "'languages'"), 1)
WORDS |= dict.fromkeys(("'a'", "'to'", "'measure'", "'with'", "IF(# % 2, 'odd', 'even')"), 0)
PART_OF = {"review_reason": "''", "refunded_amount": 0}


def generate(size: Size) -> Iterator[tuple[str, int]]:
    """Make the rows, a chunk at a time; gives each chunk's table and how many rows it has."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE load_numbers (n INT PRIMARY KEY)")
        cursor.executemany("INSERT INTO load_numbers VALUES (%s)", [(n,) for n in range(CHUNK)])
        for one in _inserts(size):
            for offset in range(0, one.rows, CHUNK):
                count = min(CHUNK, one.rows - offset)
                sql = f"{one.sql} WHERE n < {count}".replace("#", f"({offset} + n)")
                with transaction.atomic():
                    cursor.execute(sql)
                yield one.table, count
        cursor.execute("DROP TEMPORARY TABLE load_numbers")


def rows_of(size: Size) -> int:
    """How many rows that makes in all."""
    return sum(one.rows for one in _inserts(size))


def _inserts(size: Size) -> list[Insert]:
    sold = (*_bookings(size), *_purchases(size), *_transfers(size))
    left = (*traces.of_bookings(size), *traces.of_top_ups(size))
    return [*_people(size), *_catalogue(size), *sold, *left]


def _people(size: Size) -> Iterator[Insert]:
    earned = _shares().teacher * (size.enrollments // size.teachers)
    yield from _users(STUDENT, "student", size.students)
    yield from _accounts(STUDENT, size.students, {"wallet": GRANT - PRICE * size.each - SHARE})
    yield from _users(TEACHER, "teacher", size.teachers)
    yield from _accounts(TEACHER, size.teachers, {"earnings": earned})
    for word in ("'teacher'", "CONCAT(#)"):
        yield insert("user_words", size.teachers, {"user_id": key(TEACHER, "#"), "word": word})


def _users(kind: int, role: str, count: int) -> Iterator[Insert]:
    values = {
        "id": key(kind, "#"),
        "email": f"CONCAT('{role}', #, '@load.example.com')",
        "proved_since": "NOW(6)",
        "email_vouched": 0,
        "email_refused": 0,
        "password": "'!'",
        "display_name": f"CONCAT('{role.title()} ', #)",
        "is_teacher": int(kind == TEACHER),
        "is_superuser": 0,
        "is_staff": 0,
        "is_active": 1,
        "referral_code": f"CONCAT('{role[0]}', #)",
        "time_zone": "'UTC'",
        "date_joined": "NOW(6)",
    }
    yield insert("users", count, values)


def _accounts(owner: int, count: int, balances: Mapping[str, Decimal]) -> Iterator[Insert]:
    for account in ACCOUNT:
        values = {
            "id": _account(owner, account, "#"),
            "kind": f"'{account}'",
            "balance": balances.get(account, 0),
            "owed": 0,
            "owner_id": key(owner, "#"),
        }
        yield insert("ledger_accounts", count, values)


def _catalogue(size: Size) -> Iterator[Insert]:
    yield _courses(size)
    yield _sessions(size)
    yield _outlines(size)
    for word, leads in WORDS.items():
        found_by = {"course_id": key(COURSE, "#"), "word": word, "leads": leads}
        yield insert("course_words", size.courses, found_by)


def _courses(size: Size) -> Insert:
    values = {
        "id": key(COURSE, "#"),
        "teacher_id": key(TEACHER, f"# % {size.teachers}"),
        "title": "CONCAT('Course ', #)",
        "description": "CONCAT('A course to measure with: ', IF(# % 2, 'odd', 'even'))",
        "language": "'English'",
        "level": "'beginner'",
        "category": "'Languages'",
        "thumbnail": "''",
        "status": "'published'",
        "price_full_course": PRICE,
        "price_per_session": SHARE,
        "current_students": size.enrollments // size.courses,
        "next_starts_at": NEXT_STARTS_AT,
    }
    return insert("courses", size.courses, values | STAMPS)


def _sessions(size: Size) -> Insert:
    of_course = key(COURSE, f"# DIV {SESSIONS}")
    values = {
        "id": key(SESSION, "#"),
        "course_id": of_course,
        "session_number": f"# % {SESSIONS} + 1",
        "title": f"CONCAT('Session ', # % {SESSIONS} + 1)",
        "description": "''",
        "starts_at": f"(SELECT next_starts_at FROM courses WHERE id = {of_course}) + {FROM_NEXT}",  # noqa: S608
        "duration_minutes": MINUTES,
        "status": f"IF({IS_FIRST}, 'completed', 'scheduled')",
        "has_share": 1,
        "room_name": "CONCAT('load-', #)",
    }
    return insert("course_sessions", SESSIONS * size.courses, values | STAMPS)


def _outlines(size: Size) -> Insert:
    values = {
        "course_id": key(COURSE, "#"),
        "sessions_count": SESSIONS,
        "starts": f"(SELECT {STARTS} FROM course_sessions WHERE course_id = {key(COURSE, '#')})",  # noqa: S608
    }
    return insert("course_outlines", size.courses, values)


def _bookings(size: Size) -> Iterator[Insert]:
    yield _enrollments(size)
    yield _holds(size)
    yield _parts(size)


def _enrollments(size: Size) -> Insert:
    values = {
        "id": key(ENROLLMENT, "#"),
        "user_id": key(STUDENT, f"# DIV {size.each}"),
        "course_id": key(COURSE, f"# % {size.courses}"),
        "enrollment_type": "'full_course'",
        "payment_status": "'paid'",
        "status": "'active'",
        "total_price_paid": PRICE,
        "refund_amount": 0,
        "enrolled_at": LONG_AGO,
        "completion_percentage": 100 / SESSIONS,
    }
    return insert("course_enrollments", size.enrollments, values | STAMPS)


def _holds(size: Size) -> Insert:
    values = {
        "id": key(HOLD, "#"),
        "enrollment_id": key(ENROLLMENT, "#"),
        "student_id": key(STUDENT, f"# DIV {size.each}"),
        "teacher_id": key(TEACHER, f"# % {size.courses} % {size.teachers}"),
        "sold_title": f"CONCAT('Course ', # % {size.courses})",
        "amount": PRICE,
        "released_amount": SHARE,
        "release_percentage": 100 / SESSIONS,
    }
    return insert("payment_holds", size.enrollments, values | _held())


def _held() -> dict[str, object]:
    return {
        "refunded_amount": 0,
        "commission_bp": settings.COMMISSION_BP,
        "referral_bp": settings.REFERRAL_BP,
        "status": "'held'",
        "held_at": LONG_AGO,
        "notes": "''",
    }


def _parts(size: Size) -> Insert:
    shares = _shares()
    course = f"# DIV {SESSIONS} % {size.courses}"
    session = key(SESSION, f"{course} * {SESSIONS} + # % {SESSIONS}")
    values = {
        "id": key(PART, "#"),
        "hold_id": key(HOLD, f"# DIV {SESSIONS}"),
        "session_id": session,
        "amount": SHARE,
        "sold_title": f"CONCAT(1 + # % {SESSIONS}, '. Session ', 1 + # % {SESSIONS})",
        "sold_starts_at": _start_of(session),
        "sold_duration_minutes": MINUTES,
        "status": f"IF({IS_FIRST}, 'released', 'pending')",
        "settled_at": f"IF({IS_FIRST}, NOW(6) - INTERVAL 29 DAY, NULL)",
        "reason": f"IF({IS_FIRST}, 'attended', '')",
        "teacher_amount": f"IF({IS_FIRST}, {shares.teacher}, 0)",
        "referrer_amount": f"IF({IS_FIRST}, {shares.referrer}, 0)",
        "platform_amount": f"IF({IS_FIRST}, {shares.platform}, 0)",
    }
    return insert("hold_parts", SESSIONS * size.enrollments, values | PART_OF)


def _start_of(session: str) -> str:
    """SQL for the start of the session with this key: it was sold as it stands."""
    return f"(SELECT starts_at FROM course_sessions WHERE id = {session})"  # noqa: S608


def _purchases(size: Size) -> Iterator[Insert]:
    """Of each student: a session to come of the course before their own."""
    course = f"(# * {size.each} + {size.courses - 1}) % {size.courses}"
    session, hold = key(SESSION, f"{course} * {SESSIONS} + 1"), key(HOLD, f"{size.enrollments} + #")
    bought = {
        "id": key(PURCHASE, "#"),
        "user_id": key(STUDENT, "#"),
        "course_id": key(COURSE, course),
        "session_id": session,
        "payment_status": "'paid'",
        "status": "'active'",
        "price_paid": SHARE,
        "refund_amount": 0,
        "purchased_at": LONG_AGO,
        "attended": 0,
        "attendance_duration_minutes": 0,
    }
    held = {
        "id": hold,
        "session_purchase_id": key(PURCHASE, "#"),
        "student_id": key(STUDENT, "#"),
        "teacher_id": key(TEACHER, f"{course} % {size.teachers}"),
        "sold_title": f"CONCAT('Course ', {course})",
        "amount": SHARE,
        "released_amount": 0,
        "release_percentage": 0,
    }
    yield insert("session_purchases", size.students, bought | STAMPS)
    yield insert("payment_holds", size.students, held | _held())
    yield _only_part(size, hold, session)


def _only_part(size: Size, hold: str, session: str) -> Insert:
    """Of each hold of a session that was bought by itself."""
    part = {
        "id": key(PART, f"{SESSIONS * size.enrollments} + #"),
        "hold_id": hold,
        "session_id": session,
        "amount": SHARE,
        "sold_title": "'2. Session 2'",
        "sold_starts_at": _start_of(session),
        "sold_duration_minutes": MINUTES,
        "status": "'pending'",
        "reason": "''",
        **dict.fromkeys(("teacher_amount", "referrer_amount", "platform_amount"), 0),
    }
    return insert("hold_parts", size.students, part | PART_OF)


def _transfers(size: Size) -> Iterator[Insert]:
    system = {kind: f"'{account.hex}'" for kind, account in SYSTEM_ACCOUNTS.items()}
    issued, escrow = system[LedgerAccount.Kind.ISSUED], system[LedgerAccount.Kind.ESCROW]
    spender = _account(STUDENT, "wallet", f"# DIV {size.each}")
    wallet, single = _account(STUDENT, "wallet", "#"), key(HOLD, f"{size.enrollments} + #")
    granted, sold = range(size.students), range(size.enrollments)
    singly = range(size.enrollments, size.enrollments + size.students)
    yield _move("grant", granted, GRANT, issued, wallet)
    yield _move("hold", sold, PRICE, spender, escrow, of={"hold_id": key(HOLD, "#")})
    yield _move("hold", singly, SHARE, wallet, escrow, of={"hold_id": single})
    yield _releases(size, escrow, system[LedgerAccount.Kind.PLATFORM])


def _releases(size: Size, escrow: str, platform: str) -> Insert:
    """Session by session, as passes settle: of each part the teacher's share and the platform's."""
    shares, students = _shares(), size.enrollments // size.courses
    settled, to_teacher = "# DIV 2", "# % 2 = 0"
    course = f"{settled} DIV {students}"
    sold = f"({settled} % {students} * {size.courses} + {course})"
    earner = _account(TEACHER, "earnings", f"{course} % {size.teachers}")
    return _move(
        "release",
        range(2 * size.enrollments),
        f"IF({to_teacher}, {shares.teacher}, {shares.platform})",
        escrow,
        f"IF({to_teacher}, {earner}, {platform})",
        f"IF({to_teacher}, ':teacher', ':platform')",
        of={"hold_id": key(HOLD, sold), "hold_part_id": key(PART, f"{sold} * {SESSIONS}")},
    )


def _move(
    kind: str,
    numbers: range,
    amount: object,
    debit: str,
    credit: str,
    role: str = "''",
    of: Mapping[str, str] | None = None,
) -> Insert:
    """So many transfers; their keys are as long as they are in life, where they name a row."""
    identity = key(TRANSFER[kind], f"({numbers.start} + #)")
    transfer = {
        "id": identity,
        "dedupe_key": f"CONCAT('{kind}:', {identity}, {role})",
        "kind": f"'{kind}'",
        "amount": amount,
        "note": "''",
        "debit_account_id": debit,
        "credit_account_id": credit,
        "created_at": LONG_AGO,
    }
    return insert("transfers", len(numbers), transfer | dict(of or {}))


def _account(owner: int, kind: str, number: str) -> str:
    return key(10 * owner + ACCOUNT[kind], number)


def _shares() -> commission.Shares:
    """What teacher, referrer and platform get of the one part that is paid out."""
    return commission.shares_of(SHARE, commission_bp=settings.COMMISSION_BP, referral_bp=0)
