"""From a course page with 0.00 to "You're in", in a real browser: at a rehearsal, and at Stripe."""

import pytest
from playwright.sync_api import Page, expect

from payments.models import TopUp
from tests.browser.doing import click, press, says
from tests.browser.watch import inaccessible, overflowing
from tests.factories import UserFactory, make_course
from tests.payments.conftest import at_stripe

__all__ = ["at_stripe"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"viewport": {"width": 375, "height": 700}}
DESK = {"viewport": {"width": 1200, "height": 900}}


@pytest.fixture
def course():
    return make_course(title="Spanish for travellers", price_per_session=None)


def look_closely(page: Page) -> None:
    assert inaccessible(page) == []
    assert overflowing(page) == []


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_four_clicks_at_a_rehearsal(open_page, course, settings, window):
    settings.PAYMENTS = "rehearsal"
    page = open_page(UserFactory(), **window)
    page.goto(f"/courses/{course.pk}/")
    click(page, "You need $100.00 more credit")
    says(page, "Test mode")
    look_closely(page)
    press(page, "Continue to payment")
    says(page, "No real money is taken.")
    look_closely(page)
    press(page, "Pay $100.00")
    says(page, "Your top-up of $100.00 is in your credit.")
    press(page, "Confirm and hold $100.00")
    says(page, "You're in.")
    page.goto(TopUp.objects.get().get_absolute_url())
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    look_closely(page)


def test_to_stripe_and_back(open_page, course, at_stripe, settings, live_server):
    """The form's answer leads to another host, which the policy of that page alone allows."""
    settings.STRIPE_CHECKOUT_HOST, settings.SITE_URL = at_stripe.url, live_server.url
    page = open_page(UserFactory(), away=at_stripe.url)
    page.goto(f"/courses/{course.pk}/")
    click(page, "You need $100.00 more credit")
    press(page, "Continue to payment")
    says(page, "Pay 100.00 USD")
    press(page, "Pay with a card that is declined")
    press(page, "Pay")
    says(page, "Your top-up of $100.00 is in your credit.")
    press(page, "Confirm and hold $100.00")
    says(page, "You're in.")
