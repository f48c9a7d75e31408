"""The pages on which a course or its first session is bought."""

from decimal import Decimal

import pytest
from django.db.models import F
from django.urls import reverse

from courses.models import Course, CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.wallets import balances_of
from tests.factories import make_course, student_with_credit


@pytest.fixture
def student():
    return student_with_credit("200.00")


@pytest.fixture
def course():
    return make_course(sessions=4, price_full_course="80.00", price_per_session="24.00")


@pytest.fixture
def browser(client, student):
    client.force_login(student)
    return client


def first(course: Course) -> CourseSession:
    return course.sessions.order_by("session_number")[0]


def whole(course: Course) -> str:
    return reverse("enrollments:buy_course", args=[course.pk])


def single(course: Course) -> str:
    return reverse("enrollments:buy_session", args=[first(course).pk])


def page_of(course: Course) -> str:
    return reverse("enrollments:course", args=[course.pk])


def said(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def wallet(student) -> Decimal:
    return balances_of(student)[0]


def sell_last_seat(course: Course) -> None:
    Course.objects.filter(pk=course.pk).update(max_students=F("current_students") + 1)
    enroll_full_course(student=student_with_credit(), course_id=course.pk)


def enroll(student, course):
    enroll_full_course(student=student, course_id=course.pk)


def buy(student, course):
    purchase_session(student=student, session_id=first(course).pk)
