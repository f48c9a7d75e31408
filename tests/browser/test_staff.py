"""What staff do in the admin, in a real browser."""

import pytest

from enrollments.services.enrolling import enroll_full_course
from payments.models import HoldPart
from payments.wallets import balances_of
from tests.browser.doing import click, fill, press, press_twice, says
from tests.factories import StaffFactory, UserFactory, make_course, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(open_window):
    return open_window(StaffFactory())


def test_refund_a_hold_after_a_preview(page):
    student, course = student_with_credit("100.00"), make_course(sessions=2)
    enroll_full_course(student=student, course_id=course.pk)
    page.goto("/admin/payments/paymenthold/")
    page.locator("#result_list tbody a").first.click()
    click(page, "Refund to the student…")
    says(page, student.email, "$100.00")
    page.get_by_label("Reason").fill("The teacher asked us to.")
    press(page, "Refund to the student")
    says(page, "refunded $100.00")
    assert balances_of(student)[0] == 100
    assert set(HoldPart.objects.values_list("status", flat=True)) == {"refunded"}


def test_grant_credit_once_with_a_reason(page, slow_server):
    student = UserFactory()
    page.goto("/admin/payments/ledgeraccount/grant/")
    fill(page, email=student.email, amount="25.00", reason="A gift.")
    press_twice(page, "Grant credit", slow_server)
    says(page, "25.00")
    assert balances_of(student)[0] == 25
