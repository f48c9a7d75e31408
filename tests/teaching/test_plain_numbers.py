"""Amounts, minutes, seats and dates that are typed count in plain digits alone."""

from decimal import Decimal

import pytest
from django.urls import reverse

from courses.models import Course, CourseSession
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import enroll_full_course
from payments.wallets import balances_of
from tests.factories import StaffFactory, TeacherFactory, make_course, student_with_credit
from tests.forms import shown
from tests.teaching import course_forms, session_forms, staff_forms

pytestmark = pytest.mark.django_db

FORTY = ["4E1", "\uff14\uff10", "٤٠", "४०", "4_0", "+40", "40.000"]
IN_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@pytest.fixture
def student():
    return student_with_credit("100.00")


@pytest.fixture
def course():
    return make_course(price_full_course="40.00", price_per_session="40.00", sessions=1)


def test_a_price_is_agreed_to_in_plain_digits(client, student, course):
    client.force_login(student)
    longer = make_course(price_per_session="40.00")
    for url in (
        reverse("enrollments:buy_course", args=[course.pk]),
        reverse("enrollments:buy_session", args=[longer.sessions.first().pk]),
    ):
        form = shown(client.get(url))
        for price in FORTY:
            assert client.post(url, form | {"expected_price": price}).status_code == 400, price
    assert balances_of(student) == (Decimal("100.00"), Decimal("0.00"))
    assert client.post(url, form | {"expected_price": "40"}).status_code == 302


def test_a_refund_is_agreed_to_in_plain_digits(client, student, course):
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    client.force_login(student)
    url = reverse("enrollments:cancel_enrollment", args=[enrollment.pk])
    form = shown(client.get(url))
    for refund in FORTY:
        assert client.post(url, form | {"expected_refund": refund}).status_code == 400, refund
    assert CourseEnrollment.objects.get().status == "active"


def test_teachers_type_plain_digits(client):
    teacher = TeacherFactory()
    client.force_login(teacher)
    for name in ("price_full_course", "price_per_session", "max_students"):
        for typed in FORTY:
            page = client.post(course_forms.NEW, course_forms.typed(**{name: typed}))
            assert list(page.context["form"].errors) == [name], typed
    assert not Course.objects.exists()

    url = reverse(
        "teaching:add_session", args=[make_course(teacher=teacher, sessions=0, published=False).pk]
    )
    starts_at = session_forms.typed()["starts_at"].translate(IN_ARABIC)
    for changes in ({"starts_at": starts_at}, *({"duration_minutes": typed} for typed in FORTY)):
        page = client.post(url, session_forms.typed(**changes))
        assert list(page.context["form"].errors) == list(changes)
    assert not CourseSession.objects.exists()


def test_staff_type_plain_digits(client):
    client.force_login(StaffFactory())
    teacher = TeacherFactory()
    url = f"{staff_forms.COURSES}add/"
    for name in ("price_full_course", "price_per_session", "max_students"):
        for typed in FORTY:
            page = client.post(url, staff_forms.form_of(teacher=teacher.pk, **{name: typed}))
            assert list(page.context["adminform"].form.errors) == [name], typed
    session = staff_forms.new_session()
    others = [{"duration_minutes": typed} for typed in FORTY]
    others += [
        {name: session[name].translate(IN_ARABIC)} for name in ("starts_at_0", "starts_at_1")
    ]
    for changes in others:
        page = client.post(url, staff_forms.form_of(None, session | changes, teacher=teacher.pk))
        errors = page.context["inline_admin_formsets"][0].formset.errors
        assert [list(form) for form in errors] == [[next(iter(changes)).rstrip("_01")]]
    assert not Course.objects.exists()
    assert (
        client.post(url, staff_forms.form_of(None, session, teacher=teacher.pk)).status_code == 302
    )
