"""How many statements a call costs: what the database server itself counts."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from courses.models import Course
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, move_session
from tests.api.conftest import client_of
from tests.factories import DAY, PASSWORD, lengthen_course, make_course, student_with_credit

# START TRANSACTION and COMMIT are real only outside a test's own transaction.
pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

# What the slowest call of money may cost, key, sign-in and transaction control included, and what
# people are told of it.
MONEY, READ, LIST, PAGE, SIGN_IN = 16, 2, 3, 7, 12
JSON = "application/json"


def questions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
        return int(cursor.fetchone()[1])


def cost(call) -> int:
    """The statements of one call, as the server counts them."""
    idle = questions()
    shown = questions() - idle
    before = questions()
    answer = call()
    after = questions()
    assert answer.status_code < 400, answer.content
    return after - before - shown


class Calls:
    """The calls of one student, in a course of `sessions`, with `rows` of history."""

    called_off = 0

    def __init__(self, *, sessions: int = 2, rows: int = 0) -> None:
        self.student = student_with_credit("9000.00")
        self.course = make_course(sessions=sessions)
        self.sessions = list(self.course.sessions.all())
        for _ in range(rows):
            self.live_through()
        self.client = client_of(self.student)
        self.browser = Client()
        self.browser.force_login(self.student)
        self.client.get("/api/courses")

    def live_through(self) -> None:
        bought = enroll_full_course(student=self.student, course_id=self.course.pk)
        cancel_enrollment(student=self.student, enrollment_id=bought.pk)
        single = purchase_session(student=self.student, session_id=self.sessions[0].pk)
        cancel_session_purchase(student=self.student, purchase_id=single.pk)

    def send(self, method: str, path: str) -> int:
        url = f"/api/enrollments/{path}"
        send = getattr(self.client, method)
        return cost(lambda: send(url, headers={"Idempotency-Key": f"{method}-{path}"}))

    def enroll(self) -> int:
        return self.send("post", f"courses/{self.course.pk}")

    def enroll_folding(self) -> int:
        for session in self.sessions:
            purchase_session(student=self.student, session_id=session.pk)
        return self.enroll()

    def purchase(self) -> int:
        return self.send("post", f"sessions/{self.sessions[0].pk}/purchase")

    def cancel(self) -> int:
        bought = enroll_full_course(student=self.student, course_id=self.course.pk)
        return self.send("delete", str(bought.pk))

    def cancel_single(self) -> int:
        bought = purchase_session(student=self.student, session_id=self.sessions[0].pk)
        return self.send("delete", f"sessions/{bought.pk}")

    def hand_back(self) -> int:
        """All but the first are called off: it is the last that was paid, and the course ends."""
        bought = enroll_full_course(student=self.student, course_id=self.course.pk)
        moved, *others = self.sessions
        teacher = self.course.teacher
        for session in others[: self.called_off]:
            cancel_session(session_id=session.pk, actor=teacher)
        move_session(
            session_id=moved.pk,
            actor=teacher,
            starts_at=moved.starts_at + DAY / 2,
            duration_minutes=60,
        )
        return self.send("delete", f"{bought.pk}/sessions/{moved.pk}")

    def hand_back_the_last(self) -> int:
        self.called_off = len(self.sessions)
        return self.hand_back()

    def access(self) -> int:
        return self.send("get", f"sessions/{self.sessions[0].pk}/access")

    def access_of_a_buyer(self) -> int:
        purchase_session(student=self.student, session_id=self.sessions[0].pk)
        return self.access()

    def access_of_an_enrolled(self) -> int:
        enroll_full_course(student=self.student, course_id=self.course.pk)
        return self.access()

    def mine(self) -> int:
        return self.send("get", "me")

    def my_sessions(self) -> int:
        return self.send("get", "me/sessions")

    def catalogue(self) -> int:
        return cost(lambda: self.client.get("/api/courses"))

    def catalogue_of_limited_seats(self) -> int:
        Course.objects.filter(pk=self.course.pk).update(max_students=5)
        return self.catalogue()

    def course_page(self) -> int:
        return cost(lambda: self.browser.get(f"/courses/{self.course.pk}/"))

    def course_page_of_a_buyer(self) -> int:
        purchase_session(student=self.student, session_id=self.sessions[0].pk)
        return self.course_page()

    def course_page_of_an_enrolled(self) -> int:
        enroll_full_course(student=self.student, course_id=self.course.pk)
        return self.course_page()

    def notices(self) -> int:
        return cost(lambda: self.client.get("/api/notices?unread=true"))

    def enroll_beside_singles(self) -> int:
        other = student_with_credit("100.00")
        purchase_session(student=other, session_id=self.sessions[0].pk)
        return self.enroll()


BUDGETS = {
    "enroll": MONEY - 1,
    "purchase": MONEY - 2,
    "cancel": MONEY - 1,
    "cancel_single": MONEY,
    "hand_back": MONEY,
    "hand_back_the_last": MONEY + 1,  # the seat as well
    "access": READ,
    "access_of_a_buyer": READ,
    "access_of_an_enrolled": READ,
    "mine": READ,
    "my_sessions": READ,
    "enroll_beside_singles": MONEY,
    "catalogue": LIST,
    "catalogue_of_limited_seats": LIST + 1,  # the seats of singles
    "course_page": PAGE,
    # And what the teacher wrote to those who booked.
    "course_page_of_a_buyer": PAGE + 2,
    "course_page_of_an_enrolled": PAGE + 1,
    "notices": READ,
}


@pytest.mark.parametrize("call", BUDGETS)
def test_a_call_stays_within_its_budget(call):
    with CaptureQueriesContext(connection) as captured:
        assert getattr(Calls(), call)() <= BUDGETS[call]
    if BUDGETS[call] >= MONEY - 2:
        people_are_told_last(captured)


def people_are_told_last(captured: CaptureQueriesContext) -> None:
    """By one statement, after all that locks, and the answer that is kept; then it is committed."""
    said = [re.sub(r"\W+", " ", query["sql"]).strip() for query in captured]
    end = len(said) - said[::-1].index("COMMIT")
    begin = end - 1 - said[: end - 1][::-1].index("COMMIT")
    *before, key, told, _ = said[begin:end]
    assert key.startswith("UPDATE idempotency_records ")
    assert told.startswith("INSERT INTO notices ")
    assert not any("notices" in sql for sql in before)


def test_signing_in_stays_within_its_budget():
    """From a new place, where one statement more remembers that; on a page, with a session."""
    words = {"username": student_with_credit().email, "password": PASSWORD}
    of_api = {"email": words["username"], "password": PASSWORD}
    assert cost(lambda: Client().post("/api/auth/token", of_api, JSON)) <= SIGN_IN + 1
    assert cost(lambda: Client().post("/api/auth/token", of_api, JSON)) <= SIGN_IN
    assert cost(lambda: Client().post("/login/", words)) <= SIGN_IN + 7


@pytest.mark.parametrize("call", BUDGETS)
@pytest.mark.parametrize("many", [{"sessions": 20}, {"rows": 30}], ids=str)
def test_no_call_grows_with_sessions_or_history(call, many):
    assert getattr(Calls(**many), call)() == getattr(Calls(), call)()


def test_the_cookie_of_a_page_costs_the_api_nothing():
    calls = Calls()
    calls.client.force_login(calls.student)
    assert calls.access() <= READ


def test_folding_five_costs_what_folding_one_does():
    assert Calls(sessions=5).enroll_folding() == Calls(sessions=1).enroll_folding()


def rows_read(call) -> int:
    """The rows and keys that MariaDB looked at for one call."""

    def handled() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            return sum(int(value) for _, value in cursor.fetchall())

    handled()
    before = handled()
    between = handled()
    call()
    return handled() - between - (between - before)


@pytest.mark.usefixtures("plans_of_mariadb")
@pytest.mark.parametrize("path", ["/", "/?order=cheapest", "/?order=title", "/api/courses"])
@pytest.mark.parametrize("seats", [None, 5])
def test_the_catalogue_reads_no_more_of_long_courses(path, seats):
    courses = [make_course(sessions=3, max_students=seats) for _ in range(3)]
    for course in courses:
        purchase_session(student=student_with_credit(), session_id=course.sessions.first().pk)

    def cost() -> int:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE courses, course_sessions, session_purchases")
        Client().get(path)
        return rows_read(lambda: Client().get(path))

    short = cost()
    for course in courses:
        lengthen_course(course, 200)
    assert cost() == short
    assert "of 200 sessions still to come" in Client().get("/").text


@pytest.mark.parametrize("call", ["purchase", "access", "course_page"])
def test_no_call_reads_the_rows_of_a_crowd(call):
    """Nor does the optimizer choose to, for a student who has much elsewhere."""

    def cost_beside(others: int) -> int:
        calls = Calls()
        for _ in range(30):
            enroll_full_course(student=calls.student, course_id=make_course(sessions=1).pk)
        for _ in range(others):
            enroll_full_course(student=student_with_credit("100.00"), course_id=calls.course.pk)
        # The tables were emptied a moment ago, and the optimizer would still take them for empty.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE course_enrollments, payment_holds, hold_parts")
        return rows_read(getattr(calls, call))

    assert cost_beside(30) < cost_beside(1) + 20


@pytest.mark.usefixtures("plans_of_mariadb")
def test_a_course_page_reads_no_parts_of_what_was_settled_elsewhere():
    def cost_after(others: int) -> int:
        calls = Calls()
        for _ in range(others):
            elsewhere = make_course(sessions=20)
            bought = enroll_full_course(student=calls.student, course_id=elsewhere.pk)
            cancel_enrollment(student=calls.student, enrollment_id=bought.pk)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE course_enrollments, payment_holds, hold_parts")
        calls.course_page()
        return rows_read(calls.course_page)

    assert cost_after(9) <= cost_after(1) + 8 * 8
