"""A large platform to measure on: the database makes the rows itself, and the money adds up.

Nothing here goes through a service. Every student was granted credit and is enrolled in courses of
four sessions, the first of which has happened and been paid out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from payments import commission
from payments.models import SYSTEM_ACCOUNTS, LedgerAccount

CHUNK = 10_000
SESSIONS = 4
MINUTES = 60
SHARE = Decimal("5.00")
PRICE = SESSIONS * SHARE
GRANT = Decimal("100000.00")

# Each kind of row has keys of its own: the kind in the middle of the key, the number at its end.
STUDENT, TEACHER, COURSE, SESSION, ENROLLMENT, HOLD, PART = range(1, 8)
ACCOUNT = {"wallet": 1, "earnings": 2, "withdrawing": 3}
TRANSFER = {
    ("grant", ""): 30,
    ("hold", ""): 31,
    ("release", "teacher"): 32,
    ("release", "platform"): 33,
}

# SQL about a row; `#` stands for the row's number.
IS_FIRST = f"# % {SESSIONS} = 0"
STARTS_AT = f"NOW(6) + INTERVAL IF({IS_FIRST}, -30, 30 + # % {SESSIONS}) DAY"
# The same, counted from the next start that its course keeps.
NEXT_STARTS_AT = "NOW(6) + INTERVAL 31 DAY"
FROM_NEXT = f"INTERVAL IF({IS_FIRST}, -61, # % {SESSIONS} - 1) DAY"
STARTS = (
    "CONCAT('[', GROUP_CONCAT(DATE_FORMAT(starts_at, '\"%Y-%m-%dT%H:%i:%S.%f+00:00\"')"
    " ORDER BY session_number), ']')"
)
LONG_AGO = "NOW(6) - INTERVAL 60 DAY"
# What courses and their teachers are found by, as SQL, and whether it leads.
WORDS = dict.fromkeys(("'course'", "CONCAT(#)", "'english'", "'beginner'", "'languages'"), 1)
WORDS |= dict.fromkeys(("'a'", "'to'", "'measure'", "'with'", "IF(# % 2, 'odd', 'even')"), 0)
STAMPS = {"created_at": "NOW(6)", "updated_at": "NOW(6)"}


@dataclass(frozen=True)
class Insert:
    """How to fill a table: `sql` makes a row of each `n` in load_numbers."""

    table: str
    rows: int
    sql: str


@dataclass(frozen=True)
class Size:
    """How much to make. All students have equally many courses, all courses as many students."""

    students: int
    courses: int
    enrollments: int
    password: str = "!"  # noqa: S105 - no password at all

    @property
    def teachers(self) -> int:
        return max(self.courses // 10, 1)

    @property
    def is_even(self) -> bool:
        whole = self.enrollments % self.students == 0 and self.enrollments % self.courses == 0
        return whole and self.courses % self.teachers == 0 and self.each <= self.courses

    @property
    def each(self) -> int:
        """How many courses a student is enrolled in."""
        return self.enrollments // self.students

    @property
    def rows(self) -> int:
        return sum(insert.rows for insert in _inserts(self))


def generate(size: Size) -> Iterator[tuple[str, int]]:
    """Make the rows, a chunk at a time; gives each chunk's table and how many rows it has."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE load_numbers (n INT PRIMARY KEY)")
        cursor.executemany("INSERT INTO load_numbers VALUES (%s)", [(n,) for n in range(CHUNK)])
        for insert in _inserts(size):
            for offset in range(0, insert.rows, CHUNK):
                count = min(CHUNK, insert.rows - offset)
                sql = f"{insert.sql} WHERE n < {count}".replace("#", f"({offset} + n)")
                with transaction.atomic():
                    cursor.execute(sql)
                yield insert.table, count
        cursor.execute("DROP TEMPORARY TABLE load_numbers")


def key(kind: int, number: str) -> str:
    """SQL for the key of a row of this kind, in order of its number, given in SQL."""
    return f"CONCAT('01930000000070008{kind:03d}', LPAD(HEX({number}), 12, '0'))"


def key_of(kind: int, number: int) -> UUID:
    """The key that `key` makes in SQL."""
    return UUID(f"01930000000070008{kind:03d}{number:012x}")


def _inserts(size: Size) -> list[Insert]:
    return [*_people(size), *_catalogue(size), *_bookings(size), *_transfers(size)]


def _people(size: Size) -> Iterator[Insert]:
    earned = _shares().teacher * (size.enrollments // size.teachers)
    yield from _users(STUDENT, "student", size.students, size.password)
    yield from _accounts(STUDENT, size.students, {"wallet": GRANT - PRICE * size.each})
    yield from _users(TEACHER, "teacher", size.teachers, size.password)
    yield from _accounts(TEACHER, size.teachers, {"earnings": earned})
    for word in ("'teacher'", "CONCAT(#)"):
        yield _insert("user_words", size.teachers, {"user_id": key(TEACHER, "#"), "word": word})


def _users(kind: int, role: str, count: int, password: str) -> Iterator[Insert]:
    values = {
        "id": key(kind, "#"),
        "email": f"CONCAT('{role}', #, '@load.example.com')",
        "proved_since": "NOW(6)",
        "email_vouched": 0,
        "email_refused": 0,
        "password": f"'{password}'",
        "display_name": f"CONCAT('{role.title()} ', #)",
        "is_teacher": int(kind == TEACHER),
        "is_superuser": 0,
        "is_staff": 0,
        "is_active": 1,
        "referral_code": f"CONCAT('{role[0]}', #)",
        "time_zone": "'UTC'",
        "date_joined": "NOW(6)",
    }
    yield _insert("users", count, values)


def _accounts(owner: int, count: int, balances: Mapping[str, Decimal]) -> Iterator[Insert]:
    for account in ACCOUNT:
        values = {
            "id": _account(owner, account, "#"),
            "kind": f"'{account}'",
            "balance": balances.get(account, 0),
            "owed": 0,
            "owner_id": key(owner, "#"),
        }
        yield _insert("ledger_accounts", count, values)


def _catalogue(size: Size) -> Iterator[Insert]:
    yield _courses(size)
    yield _sessions(size)
    yield _outlines(size)
    for word, leads in WORDS.items():
        found_by = {"course_id": key(COURSE, "#"), "word": word, "leads": leads}
        yield _insert("course_words", size.courses, found_by)


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
    return _insert("courses", size.courses, values | STAMPS)


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
    return _insert("course_sessions", SESSIONS * size.courses, values | STAMPS)


def _outlines(size: Size) -> Insert:
    values = {
        "course_id": key(COURSE, "#"),
        "sessions_count": SESSIONS,
        "starts": f"(SELECT {STARTS} FROM course_sessions WHERE course_id = {key(COURSE, '#')})",  # noqa: S608
    }
    return _insert("course_outlines", size.courses, values)


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
    return _insert("course_enrollments", size.enrollments, values | STAMPS)


def _holds(size: Size) -> Insert:
    values = {
        "id": key(HOLD, "#"),
        "enrollment_id": key(ENROLLMENT, "#"),
        "student_id": key(STUDENT, f"# DIV {size.each}"),
        "teacher_id": key(TEACHER, f"# % {size.courses} % {size.teachers}"),
        "sold_title": f"CONCAT('Course ', # % {size.courses})",
        "amount": PRICE,
        "released_amount": SHARE,
        "refunded_amount": 0,
        "commission_bp": settings.COMMISSION_BP,
        "referral_bp": settings.REFERRAL_BP,
        "status": "'held'",
        "held_at": LONG_AGO,
        "release_percentage": 100 / SESSIONS,
        "notes": "''",
    }
    return _insert("payment_holds", size.enrollments, values)


def _parts(size: Size) -> Insert:
    shares = _shares()
    course = f"# DIV {SESSIONS} % {size.courses}"
    values = {
        "id": key(PART, "#"),
        "hold_id": key(HOLD, f"# DIV {SESSIONS}"),
        "session_id": key(SESSION, f"{course} * {SESSIONS} + # % {SESSIONS}"),
        "amount": SHARE,
        "sold_title": f"CONCAT(1 + # % {SESSIONS}, '. Session ', 1 + # % {SESSIONS})",
        "sold_starts_at": STARTS_AT,
        "sold_duration_minutes": MINUTES,
        "status": f"IF({IS_FIRST}, 'released', 'pending')",
        "settled_at": f"IF({IS_FIRST}, NOW(6) - INTERVAL 29 DAY, NULL)",
        "reason": f"IF({IS_FIRST}, 'attended', '')",
        "review_reason": "''",
        "teacher_amount": f"IF({IS_FIRST}, {shares.teacher}, 0)",
        "referrer_amount": f"IF({IS_FIRST}, {shares.referrer}, 0)",
        "platform_amount": f"IF({IS_FIRST}, {shares.platform}, 0)",
        "refunded_amount": 0,
    }
    return _insert("hold_parts", SESSIONS * size.enrollments, values)


def _transfers(size: Size) -> Iterator[Insert]:
    system = {kind: f"'{account.hex}'" for kind, account in SYSTEM_ACCOUNTS.items()}
    issued, escrow = system[LedgerAccount.Kind.ISSUED], system[LedgerAccount.Kind.ESCROW]
    shares = _shares()
    of_hold = {"hold_id": key(HOLD, "#")}
    of_part = of_hold | {"hold_part_id": key(PART, f"# * {SESSIONS}")}
    spender = _account(STUDENT, "wallet", f"# DIV {size.each}")
    earner = _account(TEACHER, "earnings", f"# % {size.courses} % {size.teachers}")
    yield _move("grant", size.students, GRANT, issued, _account(STUDENT, "wallet", "#"))
    yield _move("hold", size.enrollments, PRICE, spender, escrow, **of_hold)
    for role, amount, account in (
        ("teacher", shares.teacher, earner),
        ("platform", shares.platform, system[LedgerAccount.Kind.PLATFORM]),
    ):
        yield _move("release", size.enrollments, amount, escrow, account, role, **of_part)


def _move(
    kind: str, count: int, amount: Decimal, debit: str, credit: str, role: str = "", **of: str
) -> Insert:
    transfer = {
        "id": key(TRANSFER[kind, role], "#"),
        "dedupe_key": f"CONCAT('{kind}:load-', #, '{role and ':' + role}')",
        "kind": f"'{kind}'",
        "amount": amount,
        "note": "''",
        "debit_account_id": debit,
        "credit_account_id": credit,
        "created_at": LONG_AGO,
    }
    return _insert("transfers", count, transfer | of)


def _account(owner: int, kind: str, number: str) -> str:
    return key(10 * owner + ACCOUNT[kind], number)


def _shares() -> commission.Shares:
    """What teacher, referrer and platform get of the one part that is paid out."""
    return commission.shares_of(SHARE, commission_bp=settings.COMMISSION_BP, referral_bp=0)


def _insert(table: str, count: int, values: Mapping[str, object]) -> Insert:
    columns, expressions = ", ".join(values), ", ".join(map(str, values.values()))
    sql = f"INSERT INTO {table} ({columns}) SELECT {expressions} FROM load_numbers"  # noqa: S608
    return Insert(table, count, sql)
