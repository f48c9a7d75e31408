"""What the calls are about: students, their tokens, and pairs of student and course."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils.crypto import get_random_string
from rest_framework_simplejwt.tokens import AccessToken
from uuid_utils.compat import uuid7

from accounts.models import User
from accounts.tokens import FINGERPRINT, USER
from benchmarks.load import Request, request
from benchmarks.raw import NEW_KEY, Pair, connect, enrol
from courses.models import CourseSession
from demo import rows
from demo.load import GRANT, STARTS
from demo.rows import key_of
from payments.models import HoldPart

PASSWORD = "correct horse battery"
CLERK = "clerk@load.example.com"
ROWS = 20
READERS = 40
# Keys of their own, as those in demo/rows.py.
READER = 9


class Platform:
    """A filled database, and requests about it that are ready to be sent."""

    def __init__(self, size: rows.Size) -> None:
        self.size = size
        self.pairs = self._pairs()
        anybody = User.objects.only("password").get(pk=key_of(rows.STUDENT, 0))
        # One password, so one mark in every token.
        self._fingerprint = anybody.get_session_auth_hash()
        self._tokens: dict[UUID, str] = {}
        self.readers = [key_of(READER, number) for number in range(READERS)]

    def _student(self, number: int) -> UUID:
        return key_of(rows.STUDENT, number)

    def bearer(self, student: UUID) -> dict[str, str]:
        """With the one token that the student has for now."""
        if student not in self._tokens:
            token = AccessToken()
            token[USER], token[FINGERPRINT] = str(student), self._fingerprint
            # Longer than any run.
            token.set_exp(lifetime=timedelta(days=1))
            self._tokens[student] = str(token)
        return {"Authorization": f"Bearer {self._tokens[student]}"}

    def add_readers(self) -> None:
        """Who only read, and have as many rows as a page shows: the same on each size."""
        line = connect()
        cursor = line.cursor()
        for number in range(READERS):
            _copy_student(cursor, number)
            for step in range(ROWS):
                enrol(cursor, self._pair_of_reader(number, step))
        line.commit()
        line.close()
        # As sold: nothing has changed since.
        starts = CourseSession.objects.filter(pk=OuterRef("session")).values("starts_at")
        parts = HoldPart.objects.filter(hold__student__in=self.readers)
        parts.update(sold_starts_at=Subquery(starts))

    def clerk(self) -> UUID:
        """Of the staff, and may do all that they may."""
        return User.objects.only("pk").get(email=CLERK).pk

    def new_course(self, number: int, *, seats: int) -> UUID:
        """A copy of a course of the platform, without its students."""
        with connection.cursor() as cursor:
            return _copy_course(cursor, key_of(rows.COURSE, number), seats)

    def rush(self, course: UUID, students: int) -> list[Request]:
        """A request of each of so many students to enrol in the course."""
        pairs = [{"student": self._student(number).hex} for number in range(students)]
        return [self._buy(pair, "courses/{}", course) for pair in pairs]

    def pair(self, number: int) -> Pair:
        """A student and a course, round and round."""
        return self._pair(number % self.size.students, 0)

    def enrol(self) -> Iterator[Request]:
        return (self._buy(pair, "courses/{}", UUID(pair["course"])) for pair in self.pairs)

    def buy_a_session(self) -> Iterator[Request]:
        for pair in self.pairs:
            yield self._buy(pair, "sessions/{}/purchase", UUID(pair["sessions"][0]))

    def cancel(self) -> Iterator[Request]:
        """Of the enrolments that came last, newest first."""
        for pair in self.enrolled():
            enrollment = str(UUID(pair["enrollment"]))
            headers = self.bearer(UUID(pair["student"])) | {"Idempotency-Key": uuid4().hex}
            path = f"/api/enrollments/{enrollment}"
            yield request("DELETE", path, headers, holds=enrollment)

    def my_enrollments(self) -> Iterator[Request]:
        return self._get(lambda number: f"/api/enrollments/me?limit={ROWS}", holds='"hold"')

    def access(self) -> Iterator[Request]:
        """To the next session of a course that the reader is enrolled in."""
        path = "/api/enrollments/sessions/{}/access"
        following = [self._pair_of_reader(number, 0)["sessions"][0] for number in range(READERS)]
        return self._get(lambda number: path.format(UUID(following[number])), holds='"opens_at"')

    def catalogue(self) -> Iterator[Request]:
        return self._get(lambda number: f"/api/courses?limit={ROWS}", holds='"seats_left"')

    def course_page(self) -> Iterator[Request]:
        for number, reader in enumerate(self.readers):
            yield self.page_of_course(number, cookies_of(reader))

    def page_of_course(self, number: int, cookies: dict[str, str]) -> Request:
        """One course's, for a reader of this number."""
        course = str(key_of(rows.COURSE, number * 7 % self.size.courses))
        return request("GET", f"/courses/{course}/", cookies, holds=course)

    def front_page(self) -> Iterator[Request]:
        return self._pages("/", holds='class="course-card"')

    def my_learning(self) -> Iterator[Request]:
        return self._pages("/learning/", holds='class="card booking"')

    def _pages(self, path: str, holds: str) -> Iterator[Request]:
        for reader in self.readers:
            yield request("GET", path, cookies_of(reader), holds=holds)

    def token(self) -> Iterator[Request]:
        for number in range(self.size.students):
            body = f'{{"email": "student{number}@load.example.com",'
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
            body += f' "password": "{PASSWORD}"}}'
            yield request("POST", "/api/auth/token", headers, body, holds='"refresh"')

    def enrolled(self, limit: int = 50_000) -> list[Pair]:
        """The enrolments that came last."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT e.id, e.user_id, e.course_id, h.id, a.id FROM course_enrollments e"
                " JOIN payment_holds h ON h.enrollment_id = e.id"
                " JOIN ledger_accounts a ON a.owner_id = e.user_id AND a.kind = 'wallet'"
                " WHERE e.status = 'active' AND e.id > %s ORDER BY e.id DESC LIMIT %s",
                [key_of(rows.TRANSFER["release"], 1 << 47).hex, limit],
            )
            names = ("enrollment", "student", "course", "hold", "wallet")
            return [dict(zip(names, map(_hex, row), strict=True)) for row in cursor.fetchall()]

    def _pairs(self) -> Iterator[Pair]:
        """Each student with a course that is not theirs yet; no pair comes twice."""
        # Of the last one they have a session.
        for step in range(self.size.courses - self.size.each - 1):
            for number in range(self.size.students):
                yield self._pair(number, step)

    def _pair(self, number: int, step: int) -> Pair:
        return self._pair_of(rows.STUDENT, number, number * self.size.each + self.size.each + step)

    def _pair_of_reader(self, number: int, step: int) -> Pair:
        return self._pair_of(READER, number, number * ROWS + step)

    def _pair_of(self, kind: int, number: int, course: int) -> Pair:
        course %= self.size.courses
        sessions = range(course * rows.SESSIONS + 1, (course + 1) * rows.SESSIONS)
        return {
            "student": key_of(kind, number).hex,
            "wallet": _wallet(kind, number).hex,
            "course": key_of(rows.COURSE, course).hex,
            "teacher": key_of(rows.TEACHER, course % self.size.teachers).hex,
            "sessions": [key_of(rows.SESSION, session).hex for session in sessions],
            "price": rows.SHARE * len(sessions),
        }

    def _buy(self, pair: Pair, path: str, key: UUID) -> Request:
        headers = self.bearer(UUID(pair["student"])) | {"Idempotency-Key": uuid4().hex}
        path = f"/api/enrollments/{path.format(key)}"
        return request("POST", path, headers, holds=str(key))

    def _get(self, path: Callable[[int], str], holds: str) -> Iterator[Request]:
        for number, reader in enumerate(self.readers):
            yield request("GET", path(number), self.bearer(reader), holds=holds)


def cookies_of(key: UUID) -> dict[str, str]:
    """What the browser of a user who has signed in sends."""
    return {"Cookie": f"session={_signed_in(key)}; csrf={get_random_string(32)}"}


def _signed_in(key: UUID) -> str:
    user = User.objects.only("password").get(pk=key)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def _hex(value: Any) -> str:
    return str(value).replace("-", "")


def _wallet(kind: int, number: int) -> UUID:
    return key_of(10 * kind + rows.ACCOUNT["wallet"], number)


def _copy_student(cursor: Any, number: int) -> None:
    """A reader: as this student was before they bought anything."""
    values = {
        "key": key_of(READER, number).hex,
        "wallet": _wallet(READER, number).hex,
        "student": key_of(rows.STUDENT, number).hex,
        "grant": key_of(rows.TRANSFER["grant"], number).hex,
        "credit": GRANT,
    }
    reader = {
        "id": "%(key)s",
        "email": "CONCAT('reader.', email)",
        "referral_code": "CONCAT('reader', referral_code)",
    }
    account = {
        "id": f"IF(kind = 'wallet', %(wallet)s, {NEW_KEY})",
        "owner_id": "%(key)s",
        "balance": "IF(kind = 'wallet', %(credit)s, 0)",
    }
    grant = {
        "id": NEW_KEY,
        "dedupe_key": "CONCAT('reader:', dedupe_key)",
        "credit_account_id": "%(wallet)s",
    }
    _copy(cursor, "users", reader, "id = %(student)s", values)
    _copy(cursor, "ledger_accounts", account, "owner_id = %(student)s", values)
    _copy(cursor, "transfers", grant, "id = %(grant)s", values)


def _copy_course(cursor: Any, original: UUID, seats: int) -> UUID:
    """A copy of a course with its open sessions and their outline, without its students.

    An old one, so that no list whose figures are compared begins with it.
    """
    course = uuid7()
    mine = {
        "id": "%(course)s",
        "max_students": "%(seats)s",
        "current_students": "0",
        "created_at": rows.LONG_AGO,
    }
    of_mine = {
        "id": NEW_KEY,
        "course_id": "%(course)s",
        "room_name": "CONCAT(%(course)s, session_number)",
    }
    values = {"course": course.hex, "seats": seats, "original": original.hex}
    for table, own, which in (
        ("courses", mine, "id = %(original)s"),
        ("course_sessions", of_mine, "course_id = %(original)s AND starts_at > NOW(6)"),
    ):
        _copy(cursor, table, own, which, values)
    cursor.execute(
        "INSERT INTO course_outlines (course_id, sessions_count, starts)"
        f" SELECT course_id, COUNT(*), {STARTS} FROM course_sessions"
        f" WHERE course_id = '{course.hex}'"
    )
    return course


def _copy(cursor: Any, table: str, own: dict[str, str], which: str, values: dict[str, Any]) -> None:
    """Rows of a table once more, but for `own` columns, given in SQL."""
    columns = _columns(cursor, table)
    made = ", ".join(own.get(name, name) for name in columns)
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {made} FROM {table} WHERE {which}",
        values,
    )


def _columns(cursor: Any, table: str) -> list[str]:
    """Those that are written, whatever the version."""
    cursor.execute(f"SHOW COLUMNS FROM {table}")
    return [row[0] for row in cursor.fetchall() if " GENERATED" not in row[5]]
