"""A teacher is deactivated, or no longer one: nothing more is sold, what was bought stays valid."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from courses.errors import TeacherGone
from courses.models import CourseSession
from courses.services import publish_course
from enrollments import queries
from enrollments.errors import NotForSale, OwnCourse
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments import audit
from payments.models import LedgerAccount
from settlement.services.settling import settle_all
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.api.conftest import client_of
from tests.conversations import attend
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    access_to,
    end_session,
    make_course,
    student_with_credit,
)
from tests.forms import shown

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]

GONE = [{"is_active": False}, {"is_teacher": False}]
SESSIONS = "/admin/courses/coursesession/"


@pytest.fixture
def course():
    return make_course(sessions=2, price_per_session="60.00")


@pytest.fixture
def session(course):
    return course.sessions.get(session_number=1)


@pytest.fixture
def student():
    return student_with_credit("500.00")


@pytest.fixture
def gone(course):
    """A call by which the teacher of the course goes."""

    def go(**change):
        User.objects.filter(pk=course.teacher_id).update(**(change or {"is_active": False}))

    return go


def page(user=None):
    browser = Client()
    if user:
        browser.force_login(user)
    return browser


def wallet(user):
    return LedgerAccount.objects.get(owner=user, kind="wallet").balance


def said(answer):
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("change", GONE)
def test_the_catalogue_lists_it_no_more(course, gone, change):
    other = make_course(title="Chess", category="Games")
    gone(**change)
    assert [row["id"] for row in client_of(None).get("/api/courses").json()] == [str(other.pk)]
    front = page().get("/").text
    assert "Chess" in front
    assert "Spanish to go" not in front
    assert 'value="Languages"' not in front
    assert client_of(None).get("/api/courses", {"teacher": str(course.teacher_id)}).json() == []
    User.objects.update(is_active=True, is_teacher=True)
    assert len(client_of(None).get("/api/courses").json()) == 2


@pytest.mark.parametrize("change", GONE)
def test_neither_the_course_nor_a_session_is_sold(course, session, student, gone, change):
    gone(**change)
    client = client_of(student)
    for path in (f"courses/{course.pk}", f"sessions/{session.pk}/purchase"):
        answer = client.post(f"/api/enrollments/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_for_sale")
    with pytest.raises(NotForSale):
        enroll_full_course(student=student, course_id=course.pk)
    with pytest.raises(NotForSale):
        purchase_session(student=student, session_id=session.pk)
    course.refresh_from_db()
    assert (wallet(student), course.current_students) == (500, 0)


@pytest.mark.parametrize("change", GONE)
def test_the_course_says_so(course, session, student, gone, change):
    gone(**change)
    for browser in (page(), page(student)):
        text = browser.get(f"/courses/{course.pk}/").text
        assert "No longer for sale" in text
        assert "Existing bookings stay valid." in text
        assert "/buy/" not in text
    told = client_of(student).get(f"/api/courses/{course.pk}").json()
    assert told["price_now"] is None
    assert {row["price_now"] for row in told["sessions"]} == {None}


@pytest.mark.parametrize("what", ["course", "session"])
def test_a_page_that_was_open_buys_nothing(course, session, student, gone, what):
    browser = page(student)
    key = course.pk if what == "course" else session.pk
    url = f"/courses/{key}/buy/" if what == "course" else f"/sessions/{key}/buy/"
    form = shown(browser.get(url))
    gone()
    answer = browser.post(url, form)
    assert answer.status_code == 409
    assert "This is not for sale." in answer.text
    assert wallet(student) == 500
    again = browser.get(url, follow=True)
    assert said(again) == ["This is not for sale."]


def test_a_sale_that_has_begun_stands(course, student, gone, monkeypatch):
    """Nobody waits for the row of a teacher: it is read with the course, and not again."""
    read = queries.sessions_on_offer

    def read_and_go(key):
        sessions = read(key)
        gone()
        return sessions

    monkeypatch.setattr(queries, "sessions_on_offer", read_and_go)
    assert enroll_full_course(student=student, course_id=course.pk).status == "active"


@pytest.mark.both
def test_selling_locks_no_user(course, session, student):
    with CaptureQueriesContext(connection) as statements:
        purchase_session(student=student, session_id=session.pk)
        enroll_full_course(student=student, course_id=course.pk)
    locking = [one["sql"] for one in statements if "FOR UPDATE" in one["sql"]]
    assert not [sql for sql in locking if "`users`" in sql]


@pytest.mark.parametrize("change", GONE)
def test_staff_cannot_publish_it(gone, change):
    teacher = TeacherFactory()
    draft = make_course(published=False, teacher=teacher)
    User.objects.filter(pk=teacher.pk).update(**change)
    with pytest.raises(TeacherGone):
        publish_course(course_id=draft.pk, actor=StaffFactory())
    browser = page(StaffFactory())
    action = {"action": "publish", "_selected_action": [draft.pk]}
    answer = browser.post("/admin/courses/course/", action, follow=True)
    assert said(answer) == [f"{draft}: {TeacherGone()}"]
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_nobody_writes_a_course_for_who_is_deactivated():
    teacher = TeacherFactory(is_active=False)
    answer = page(StaffFactory()).post(
        "/admin/courses/course/add/",
        {
            "teacher": teacher.pk,
            "title": "Chess",
            "language": "English",
            "level": "beginner",
            "category": "Games",
            "sessions-TOTAL_FORMS": 0,
            "sessions-INITIAL_FORMS": 0,
        },
    )
    assert "This user is deactivated." in str(answer.context["errors"])


def test_who_is_no_longer_a_teacher_is_sent_to_no_closed_door(course, gone):
    gone(is_teacher=False)
    text = page(User.objects.get(pk=course.teacher_id)).get(f"/courses/{course.pk}/").text
    assert "No longer for sale" in text
    assert "/teaching/" not in text
    with pytest.raises(OwnCourse):
        enroll_full_course(student=course.teacher, course_id=course.pk)


@pytest.mark.parametrize("change", GONE)
def test_what_was_bought_stays_valid(course, session, student, gone, change):
    """Access, settlement and refunds go on as if nothing had happened."""
    leaver = student_with_credit()
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    left = enroll_full_course(student=leaver, course_id=course.pk)
    gone(**change)
    assert access_to(session, student).has_access
    assert cancel_enrollment(student=leaver, enrollment_id=left.pk).refund_amount == 100
    end_session(session, ago=timedelta(hours=1))
    attend(session, student, course.teacher)
    list(settle_all())
    part = enrollment.hold.parts.get(session=session)
    assert (part.status, part.reason, part.teacher_amount) == ("released", "attended", 35)
    earned = LedgerAccount.objects.get(owner=course.teacher, kind="earnings")
    assert earned.balance == Decimal("35.00")
    assert [finding for finding in audit.run() if not finding.ok] == []


@pytest.fixture
def clerk():
    make_groups()
    clerk = StaffFactory(is_superuser=False)
    clerk.groups.add(Group.objects.get(name="finance"))
    return clerk


@pytest.mark.parametrize("change", GONE)
def test_a_clerk_finds_its_sessions_and_calls_them_off(
    course, session, student, gone, clerk, change
):
    make_course(title="Chess")
    over = course.sessions.get(session_number=2)
    CourseSession.objects.filter(pk=over.pk).update(
        status="completed", starts_at=timezone.now() - timedelta(days=1)
    )
    single = purchase_session(student=student, session_id=session.pk)
    gone(**change)
    browser = page(clerk)
    front = browser.get("/admin/").text
    assert f"{SESSIONS}?attention=no_teacher" in front
    found = browser.get(SESSIONS, {"attention": "no_teacher"}).context["cl"].result_list
    assert list(found) == [session]
    action = {"action": "cancel_and_refund", "_selected_action": [session.pk]}
    asked = shown(browser.post(SESSIONS, action)) | {"reason": "Its teacher has gone"}
    answer = browser.post(f"{SESSIONS}decide/cancel_and_refund/", asked, follow=True)
    assert "1 student got $60.00 back" in said(answer)[0]
    single.refresh_from_db()
    assert (single.status, wallet(student)) == ("cancelled", 500)
    assert list(browser.get(SESSIONS, {"attention": "no_teacher"}).context["cl"].result_list) == []
