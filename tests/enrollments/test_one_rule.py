"""One rule of buying: what the deed refuses, the API and the pages refuse for the same reason."""

import pytest
from django.test import Client
from django.urls import reverse

from common.errors import DomainError
from courses.models import Course
from courses.services import archive_course
from enrollments.errors import SoldOut
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from enrollments.shop.catalogue import cards, read_courses
from enrollments.shop.course import course_for
from tests.api.conftest import client_of
from tests.factories import end_session, make_course, start_session, student_with_credit

pytestmark = pytest.mark.django_db


@pytest.fixture
def student():
    return student_with_credit("500.00")


@pytest.fixture
def course():
    return make_course(sessions=2)


def first(course):
    return course.sessions.order_by("session_number")[0]


def nothing(course, student):
    pass


def own(course, student):
    Course.objects.filter(pk=course.pk).update(teacher=student)
    student.is_teacher = True
    student.save()


def enrolled(course, student):
    enroll_full_course(student=student, course_id=course.pk)


def bought(course, student):
    purchase_session(student=student, session_id=first(course).pk)


def full(course, student):
    Course.objects.filter(pk=course.pk).update(max_students=1)
    enroll_full_course(student=student_with_credit(), course_id=course.pk)


def full_of_singles(course, student):
    Course.objects.filter(pk=course.pk).update(max_students=1)
    purchase_session(student=student_with_credit(), session_id=first(course).pk)


def archived(course, student):
    archive_course(course_id=course.pk, actor=course.teacher)


def teacher_gone(course, student):
    course.teacher.is_active = False
    course.teacher.save()


def not_whole(course, student):
    Course.objects.filter(pk=course.pk).update(price_full_course=None)


def not_singly(course, student):
    Course.objects.filter(pk=course.pk).update(price_per_session=None)


def called_off(course, student):
    cancel_session(session_id=first(course).pk, actor=course.teacher)


def started(course, student):
    start_session(first(course))


def over(course, student):
    for session in course.sessions.all():
        end_session(session)


HINDRANCES = (
    nothing, own, enrolled, bought, full, full_of_singles, archived, teacher_gone, not_whole,
    not_singly, called_off, started, over,
)  # fmt: skip


def refused(deed) -> str | None:
    try:
        deed()
    except DomainError as refusal:
        return refusal.code
    return None


def code_of(answer) -> str | None:
    return answer.json().get("code")


def said(page) -> str:
    """What the page to buy on says instead of asking; nothing where it asks."""
    return " ".join(map(str, page.context["messages"]))


@pytest.mark.parametrize("hinder", HINDRANCES)
def test_of_the_whole_course(course, student, hinder):
    """Of one that no number of single sessions undercuts."""
    Course.objects.filter(pk=course.pk).update(price_per_session="100.00")
    hinder(course, student)
    shown = course_for(student, course.pk)
    told = client_of(student).get(f"/api/courses/{course.pk}").json()
    browser = Client()
    browser.force_login(student)
    page = browser.get(reverse("enrollments:buy_course", args=[course.pk]), follow=True)
    answer = client_of(student).post(f"/api/enrollments/courses/{course.pk}")
    expected = code_of(answer)

    assert (shown.refusal.code if shown.refusal else None) == expected
    assert (told["price_now"] is None) == (expected is not None)
    assert said(page) == str(shown.refusal or "")
    if expected:
        assert refused(lambda: enrolled(course, student)) == expected


@pytest.mark.parametrize("hinder", HINDRANCES)
def test_of_one_session(course, student, hinder):
    hinder(course, student)
    [shown, _] = course_for(student, course.pk).sessions
    [told, _] = client_of(student).get(f"/api/courses/{course.pk}").json()["sessions"]
    browser = Client()
    browser.force_login(student)
    page = browser.get(reverse("enrollments:buy_session", args=[first(course).pk]), follow=True)
    answer = client_of(student).post(f"/api/enrollments/sessions/{first(course).pk}/purchase")
    expected = code_of(answer)

    assert (shown.refusal.code if shown.refusal else None) == expected
    assert (told["price_now"] is None) == (expected is not None)
    assert said(page) == str(shown.refusal or "")
    if expected:
        assert refused(lambda: bought(course, student)) == expected


@pytest.mark.parametrize("hinder", [nothing, full, full_of_singles, called_off, started, over])
def test_a_card_says_what_keeps_a_guest_from_buying(course, student, hinder):
    hinder(course, student)
    [card] = cards(read_courses(Course.objects.listed().values_list("pk", flat=True)), None)
    shown = course_for(None, course.pk)
    assert type(card.refusal) is type(shown.refusal)
    assert card.badge == {SoldOut: "Sold out", type(None): ""}.get(type(card.refusal), "Ended")
