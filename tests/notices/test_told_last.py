"""People are told by one INSERT, after all that an operation locks and writes."""

import re
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tokens import open_family
from enrollments.services.enrolling import (
    cancel_enrollment,
    enroll_full_course,
    hand_back_session,
)
from enrollments.services.lifecycle import end_enrollment
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.reminding import DAY, remind
from enrollments.services.sessions import (
    _mark_cancelled,
    change_session,
    delete_course,
    delete_session,
)
from enrollments.services.timetable import add_session
from notices.models import Notice
from payments.errors import InsufficientCredit
from payments.idempotency import answer_once
from payments.models import HoldPart, PaymentHold
from payments.processors.rehearsal import play
from payments.services.grants import request_grant, revoke_credit
from payments.services.topups import settle_top_up
from payments.services.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    complete_withdrawal,
    reject_withdrawal,
    request_withdrawal,
)
from settlement.services.deciding import refund_hold, release_hold
from settlement.services.digest import tell_staff
from settlement.services.settling import complete_session, settle_hold
from teaching.services import write_to_students
from tests.conversations import CONFIGURED, Room, hear
from tests.factories import (
    PASSWORD,
    PAYOUT_DETAILS,
    StaffFactory,
    UserFactory,
    earn,
    end_session,
    make_course,
    start_session,
    student_with_credit,
    top_up_of,
    withdraw,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def rehearsing(settings):
    settings.PAYMENTS = "rehearsal"
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)


@pytest.fixture
def course():
    return make_course(sessions=2)


@pytest.fixture
def session(course):
    return course.sessions.first()


@pytest.fixture
def student():
    return student_with_credit()


@pytest.fixture
def enrollment(course, student):
    return enroll_full_course(student=student, course_id=course.pk)


@pytest.fixture
def staff():
    return StaffFactory(is_superuser=True)


@pytest.fixture
def over(enrollment, student, session):
    """The first session is over, and student and teacher were there."""
    end_session(session, ago=HOUR)
    room = Room(session)
    visits = (body for who in (student, session.course.teacher) for body in room.visit(who, 0, 60))
    hear(*room.throughout(*visits))
    return enrollment


def moves(session, by=timedelta(days=1)):
    start = session.starts_at + by
    return change_session(session_id=session.pk, actor=session.course.teacher, starts_at=start)


def told_last(deed):
    """That the deed told people by one statement, and did nothing more."""
    with CaptureQueriesContext(connection) as captured:
        deed()
    said = [re.sub(r"\W+", " ", query["sql"]).strip() for query in captured]
    changes = [sql for sql in said if not sql.startswith(("SAVEPOINT", "RELEASE"))]
    assert changes[-1].startswith("INSERT INTO notices ")
    assert sum(sql.startswith("INSERT INTO notices ") for sql in changes) == 1


def told_last_by(browser, path, body, **headers):
    """The same of a request, of which the session comes after the transaction."""
    with CaptureQueriesContext(connection) as captured:
        answer = browser.post(path, body, **headers)
    assert answer.status_code in (201, 302), answer.content
    said = [re.sub(r"\W+", " ", query["sql"]).strip() for query in captured]
    changes = [sql for sql in said if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
    ours = [sql for sql in changes if "django_session" not in sql]
    assert ours[-1].startswith("INSERT INTO notices ")
    return ours


def test_a_sale(course, session, student):
    told_last(partial(purchase_session, student=student, session_id=session.pk))
    told_last(partial(enroll_full_course, student=student, course_id=course.pk))


def test_a_sale_over_the_api_after_its_key_is_kept(session, student):
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {open_family(student)['access']}")
    path = f"/api/enrollments/sessions/{session.pk}/purchase"
    changes = told_last_by(client, path, {}, HTTP_IDEMPOTENCY_KEY="once")
    assert any("idempotency_records" in sql for sql in changes)


def test_a_refusal_over_the_api_tells_nobody(session):
    """What was put before the savepoint was rolled back is not put after it."""
    student = student_with_credit()

    def buy_and_fail():
        purchase_session(student=student, session_id=session.pk)
        raise InsufficientCredit(required=Decimal(1), available=Decimal(0), missing=Decimal(1))

    answer = answer_once(user=student, key="once", request="r", act=buy_and_fail)
    assert answer.status == 402
    assert not Notice.objects.filter(kind__in=["booking_made", "sale_made"]).exists()


def test_what_staff_do_in_the_admin_after_its_history_is_kept(client, staff, student):
    client.force_login(staff)
    grant = {"email": student.email, "amount": "5.00", "reason": "A prize"}
    sent = grant | {"request_id": str(uuid4())}
    same = {"display_name": student.display_name, "time_zone": "UTC", "is_active": "on"}
    password = dict.fromkeys(("password1", "password2"), PASSWORD)
    new = {"email": "new@example.com", "display_name": "New", "usable_password": "true"}
    for path, body in (
        ("/admin/payments/ledgeraccount/grant/", sent),
        (f"/admin/accounts/user/{student.pk}/change/", same | {"email": "a@example.org"}),
        ("/admin/accounts/user/add/", new | password),
    ):
        changes = told_last_by(client, path, body)
        assert any("django_admin_log" in sql for sql in changes)


def test_what_a_student_gives_back(course, session, student, enrollment):
    single = purchase_session(student=(other := student_with_credit()), session_id=session.pk)
    told_last(partial(cancel_session_purchase, student=other, purchase_id=single.pk))
    moves(session)
    mine = {"student": student, "enrollment_id": enrollment.pk}
    told_last(partial(hand_back_session, **mine, session_id=session.pk))
    told_last(partial(cancel_enrollment, **mine))


def test_the_return_that_ends_an_enrolment(student):
    course = make_course(sessions=1)
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    session = moves(course.sessions.get())
    mine = {"student": student, "enrollment_id": enrollment.pk}
    told_last(partial(hand_back_session, **mine, session_id=session.pk))


def test_what_a_teacher_does(course, session, enrollment):
    mine = {"actor": course.teacher, "course_id": course.pk}
    when = {"starts_at": session.starts_at + 9 * DAY, "duration_minutes": 60}
    told_last(partial(write_to_students, **mine, text="Hello"))
    told_last(partial(add_session, **mine, title="One more", **when))
    told_last(partial(moves, session))
    off = {"session_id": session.pk, "actor": course.teacher, "reason": "Flu", "expected": None}
    told_last(partial(_mark_cancelled, **off))


def test_what_is_deleted(course, session, staff):
    """Of what staff moved, whose teacher was mailed."""
    for one in course.sessions.all():
        start = one.starts_at + 9 * DAY
        change_session(session_id=one.pk, actor=staff, starts_at=start)
    told_last(partial(delete_session, session_id=session.pk, actor=course.teacher))
    told_last(partial(delete_course, course_id=course.pk, actor=course.teacher))


def test_a_reminder(session, enrollment):
    long_ago = timezone.now() - 9 * DAY
    type(session).objects.update(created_at=long_ago)
    PaymentHold.objects.update(held_at=long_ago)
    start_session(session, ago=HOUR - DAY)
    told_last(partial(remind, session.pk, ahead=DAY))


def test_the_end_of_a_session(over, session):
    told_last(partial(settle_hold, over.hold.pk))
    told_last(partial(complete_session, session.pk))


def test_a_review(session, enrollment):
    end_session(session, ago=HOUR)
    told_last(partial(settle_hold, enrollment.hold.pk))


@pytest.mark.parametrize("decide", [release_hold, refund_hold])
def test_a_decision(over, session, staff, decide):
    part = over.hold.parts.get(session=session)
    about = {"hold_id": over.hold.pk, "part_ids": [part.pk]}
    told_last(partial(decide, **about, actor=staff, reason="Both say so"))


def test_the_decision_that_ends_an_enrolment(enrollment, staff):
    told_last(partial(refund_hold, hold_id=enrollment.hold.pk, actor=staff, reason="As a favour"))


def test_the_end_of_an_enrolment(enrollment):
    paid = {"status": "refunded", "refunded_amount": 1, "settled_at": timezone.now()}
    HoldPart.objects.filter(hold=enrollment.hold).update(**paid, reason="session_cancelled")
    type(enrollment).objects.update(refund_amount=enrollment.total_price_paid)
    type(enrollment).objects.update(payment_status="refunded")
    told_last(partial(end_enrollment, enrollment.pk))


def test_what_waits_for_staff(session, enrollment, staff):
    end_session(session, ago=HOUR)
    settle_hold(enrollment.hold.pk)
    told_last(tell_staff)


@pytest.mark.parametrize("change", [request_grant, revoke_credit])
def test_credit(student, staff, change):
    terms = {"user": student, "amount": Decimal(5), "reason": "A prize", "request_id": uuid4()}
    told_last(partial(change, **terms, actor=staff))


@pytest.mark.parametrize("played", ["paid", "failed"])
def test_a_top_up(played):
    top_up = top_up_of(UserFactory(), play_it="")
    play(top_up, played)
    told_last(partial(settle_top_up, top_up.pk))


def test_each_step_of_a_withdrawal(session, staff):
    teacher = session.course.teacher
    earn(teacher)
    asked = {"amount": Decimal(10), "payout_details": PAYOUT_DETAILS}
    told_last(partial(request_withdrawal, user=teacher, **asked))
    mine = withdraw(teacher)
    told_last(partial(cancel_withdrawal, user=teacher, withdrawal_id=mine.pk))
    for decide, words in ((complete_withdrawal, "reference"), (reject_withdrawal, "reason")):
        one = {"withdrawal_id": withdraw(teacher).pk, "actor": staff}
        told_last(partial(approve_withdrawal, **one))
        told_last(partial(decide, **one, **{words: "As agreed"}))
