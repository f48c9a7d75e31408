"""Nobody pays more, or gets back less, than the client has shown."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import change_course, move_session
from payments.models import LedgerAccount, Transfer
from tests.api.conftest import client_of
from tests.factories import DAY, earn, make_course, start_session, student_with_credit, withdraw

pytestmark = pytest.mark.django_db

NO_SUMS = [
    *(100, 100.0, True, None, [], {}, ""),
    *("1e2", "-1", "+1", " 1", "1 ", "1\n", "1.", ".5", "0.001", "1_0", "1,0", "NaN", "Infinity"),
    *("1００", "٣", "999999999", "0x10"),  # noqa: RUF001 - digits of other scripts
]


@pytest.fixture
def course():
    return make_course(sessions=2)


@pytest.fixture
def sessions(course):
    return list(course.sessions.order_by("session_number"))


@pytest.fixture
def student():
    return student_with_credit("9000.00")


@pytest.fixture
def client(student):
    return client_of(student)


@pytest.fixture
def bought(student, course, sessions):
    """The course, of which the second session was moved, and a single session of another one."""
    other = make_course(sessions=1).sessions.get()
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    move_session(
        session_id=sessions[1].pk,
        actor=course.teacher,
        starts_at=sessions[1].starts_at + DAY,
        duration_minutes=60,
    )
    purchase = purchase_session(student=student, session_id=other.pk)
    return SimpleNamespace(enrollment=enrollment, purchase=purchase, moved=sessions[1])


def way_to(call, course, sessions, bought=None):
    """The method and path of a call, and the field that it compares."""
    if call == "enroll":
        return "post", f"courses/{course.pk}", "expected_price"
    if call == "purchase":
        return "post", f"sessions/{sessions[0].pk}/purchase", "expected_price"
    path = {
        "cancel": f"{bought.enrollment.pk}",
        "cancel_single": f"sessions/{bought.purchase.pk}",
        "hand_back": f"{bought.enrollment.pk}/sessions/{bought.moved.pk}",
    }[call]
    return "delete", path, "expected_refund"


def send(client, method, path, body, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return getattr(client, method)(f"/api/enrollments/{path}", body, headers=headers)


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    return answer.json()["details"]


def credit_of(user):
    return LedgerAccount.objects.get(owner=user, kind="wallet").balance


@pytest.mark.parametrize("call", ["enroll", "purchase"])
@pytest.mark.parametrize("price", ["4000.00", "0.50"])
def test_another_price_than_the_one_shown_buys_nothing(
    client, student, course, sessions, call, price
):
    shown = {"enroll": "100.00", "purchase": "16.00"}[call]
    method, path, field = way_to(call, course, sessions)
    new = {"price_full_course": Decimal(price), "price_per_session": Decimal(price)}
    change_course(course_id=course.pk, actor=course.teacher, **new)
    moved = Transfer.objects.count()
    for _ in range(2):
        answer = send(client, method, path, {field: shown}, key="mine")
        assert refused(answer, 409, "price_changed") == {"expected": shown, "price": price}
    assert answer["Idempotent-Replayed"] == "true"
    course.refresh_from_db()
    assert (credit_of(student), course.current_students) == (9000, 0)
    assert Transfer.objects.count() == moved
    assert not CourseEnrollment.objects.exists()
    assert not SessionPurchase.objects.exists()
    assert send(client, method, path, {field: price}).status_code == 201


@pytest.mark.parametrize("shown", ["100.00", "100.0", "100"])
def test_the_price_to_expect_is_the_price_now_before_folding(
    client, student, course, sessions, shown
):
    purchase_session(student=student, session_id=sessions[0].pk)
    price = client.get(f"/api/courses/{course.pk}").json()["price_now"]
    assert Decimal(price) == Decimal(shown)
    assert (
        send(client, "post", f"courses/{course.pk}", {"expected_price": shown}).status_code == 201
    )
    assert credit_of(student) == 8900


def test_the_price_of_a_course_that_has_begun_is_what_is_left(client, course, sessions):
    start_session(sessions[0])
    answer = send(client, "post", f"courses/{course.pk}", {"expected_price": "100.00"})
    assert refused(answer, 409, "price_changed")["price"] == "50.00"
    assert (
        send(client, "post", f"courses/{course.pk}", {"expected_price": "50.00"}).status_code == 201
    )


REFUNDS = {"cancel": "100.00", "cancel_single": "16.00", "hand_back": "50.00"}


@pytest.mark.parametrize(("call", "refund"), REFUNDS.items())
def test_less_than_was_shown_does_not_come_back(
    client, student, course, sessions, bought, call, refund
):
    method, path, field = way_to(call, course, sessions, bought)
    more = str(Decimal(refund) + Decimal("0.01"))
    before = credit_of(student)
    answer = send(client, method, path, {field: more})
    assert refused(answer, 409, "refund_lowered") == {"expected": more, "refund": refund}
    bought.enrollment.refresh_from_db()
    bought.purchase.refresh_from_db()
    assert {bought.enrollment.status, bought.purchase.status} == {"active"}
    assert credit_of(student) == before
    done = send(client, method, path, {field: refund, "reason": "Ill"})
    assert (done.status_code, done.json()["refund_amount"]) == (200, refund)
    assert credit_of(student) == before + Decimal(refund)


@pytest.mark.parametrize(("call", "refund"), REFUNDS.items())
def test_more_than_was_shown_comes_back(client, course, sessions, bought, call, refund):
    method, path, field = way_to(call, course, sessions, bought)
    done = send(client, method, path, {field: "0.00"})
    assert (done.status_code, done.json()["refund_amount"]) == (200, refund)


def test_what_has_started_meanwhile_lowers_the_refund(client, course, sessions, bought):
    shown = client.get(f"/api/enrollments/{bought.enrollment.pk}/cancellation").json()
    start_session(sessions[0], ago=timedelta(0))
    body = {"expected_refund": shown["refund_amount"]}
    answer = send(client, "delete", f"{bought.enrollment.pk}", body)
    details = refused(answer, 409, "refund_lowered")
    assert details == {"expected": "100.00", "refund": "50.00"}


def test_a_key_is_for_one_body_of_a_delete_too(client, course, sessions, bought):
    for call in REFUNDS:
        method, path, field = way_to(call, course, sessions, bought)
        refused(send(client, method, path, {field: "900.00"}, key=call), 409, "refund_lowered")
        refused(send(client, method, path, {}, key=call), 422, "idempotency_key_reused")


@pytest.mark.parametrize("call", ["enroll", "purchase", *REFUNDS])
def test_a_sum_is_an_exact_string(client, course, sessions, bought, call):
    method, path, field = way_to(call, course, sessions, bought)
    moved = Transfer.objects.count()
    for given in NO_SUMS:
        details = refused(send(client, method, path, {field: given}), 400, "invalid_request")
        assert list(details) == [field], given
    assert Transfer.objects.count() == moved


@pytest.mark.parametrize("call", ["enroll", "purchase", *REFUNDS])
def test_a_field_that_is_not_known_is_not_overheard(client, course, sessions, bought, call):
    method, path, field = way_to(call, course, sessions, bought)
    others = {"expected_price", "expected_refund"} - {field}
    moved = Transfer.objects.count()
    for name in ("price", "user", "expected", "Expected_price", *others):
        body = {name: "1.00"}
        assert list(refused(send(client, method, path, body), 400, "invalid_request")) == [name]
    assert Transfer.objects.count() == moved


def test_withdrawals_take_no_other_field_either(client, student):
    earn(student)
    made = withdraw(student)
    url = "/api/payments/withdrawals"
    details = refused(client.post(url, {"amonut": "10.00"}), 400, "invalid_request")
    assert list(details) == ["amonut"]
    answer = client.delete(f"{url}/{made.pk}", {"reason": "No"})
    assert list(refused(answer, 400, "invalid_request")) == ["reason"]
    made.refresh_from_db()
    assert made.status == "requested"
