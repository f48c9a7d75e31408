"""From a course page with 0.00 to "You're in", in a real browser: at a rehearsal, and at Stripe."""

import pytest
from playwright.sync_api import Page, expect

from payments.models import TopUp
from tests.browser.conftest import WATCHES
from tests.browser.doing import click, press, says
from tests.browser.watch import inaccessible, overflowing
from tests.factories import UserFactory, make_course
from tests.payments.conftest import at_stripe
from tests.payments.paying import agree
from tests.stripe.page import CHOICES

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
    click(page, "Top up")
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


@pytest.fixture
def here(at_stripe, settings, live_server):
    """Stripe's page is the stand-in's, and leads back to us."""
    settings.STRIPE_CHECKOUT_HOST, settings.SITE_URL = at_stripe.url, live_server.url
    return at_stripe


@pytest.fixture
def wanting(open_page, course, here):
    """Somebody who wants to buy the course, and stands on the page to pay for what is missing."""

    def go(**options):
        page = open_page(UserFactory(), away=here.url, **options)
        page.goto(f"/courses/{course.pk}/")
        click(page, "Top up")
        press(page, "Continue to payment")
        says(page, "Pay 100.00 USD")
        return page

    return go


@pytest.mark.parametrize("options", [DESK, PHONE, {"java_script_enabled": False}])
def test_to_stripe_and_back(wanting, options, here):
    """The form's answer leads to another host, which the policy of that page alone allows."""
    page = wanting(**options)
    press(page, CHOICES["decline"])
    press(page, CHOICES["pay"])
    says(page, "Your top-up of $100.00 is in your credit.")
    press(page, "Confirm and hold $100.00")
    says(page, "You're in.")
    assert agree(here)


def test_who_pays_by_a_slow_method_is_told_so(wanting, here):
    page = wanting()
    press(page, CHOICES["pay_later"])
    says(page, "Your payment is on its way.")
    here.account.arrive(session=TopUp.objects.get().checkout_session)
    page.reload()
    says(page, "Your top-up of $100.00 is in your credit.")


def test_who_comes_back_unpaid_can_pay_after_all(wanting):
    page = wanting()
    click(page, "Back")
    says(page, "We haven't heard of a payment yet.")
    click(page, "Continue to payment")
    press(page, CHOICES["pay"])
    says(page, "Your top-up of $100.00 is in your credit.")


def test_twin_whose_policy_names_no_processor_leads_nowhere(open_page, here, settings, request):
    settings.STRIPE_CHECKOUT_HOST = "https://checkout.stripe.com"
    page = open_page(UserFactory())
    page.goto("/credit/top-up/?amount=30.00")
    with page.expect_console_message(lambda message: "form-action" in message.text):
        press(page, "Continue to payment")
    assert page.url.endswith("/credit/top-up/?amount=30.00")
    request.node.stash[WATCHES][0].problems.clear()
