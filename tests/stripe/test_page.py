"""The page to pay on, in Chromium: found by role and name, as a customer finds things."""

import pytest

from tests.stripe.page import CHOICES

pytestmark = pytest.mark.browser


@pytest.fixture
def pay_page(browser, open_session, stand_in):
    """Opens the page of a new session, which leads back to a page that is always there."""

    def open_page(name):
        back = f"{stand_in.url}/c/pay/{open_session().id}"
        made = open_session(success_url=back + "?{CHECKOUT_SESSION_ID}", cancel_url=back)
        page = context.new_page()
        page.goto(made.url)
        page.get_by_role("heading", name="Pay 25.00 USD").wait_for()
        page.get_by_role("link" if name == "Back" else "button", name=name, exact=True).click()
        return made, page

    context = browser.new_context()
    yield open_page
    context.close()


@pytest.mark.parametrize(("choice", "status"), [("pay", "paid"), ("pay_later", "unpaid")])
def test_who_pays_is_led_back(choice, status, pay_page, library):
    made, page = pay_page(CHOICES[choice])
    page.wait_for_url(f"**?{made.id}")
    found = library.v1.checkout.sessions.retrieve(made.id)
    assert (found.status, found.payment_status) == ("complete", status)


def test_a_declined_card_can_be_followed_by_another(pay_page, library):
    made, page = pay_page(CHOICES["decline"])
    assert page.get_by_role("alert").inner_text() == "Your card was declined."
    page.get_by_role("button", name="Pay", exact=True).click()
    page.wait_for_url(f"**?{made.id}")
    assert library.v1.checkout.sessions.retrieve(made.id).payment_status == "paid"


def test_an_expired_page_says_so(pay_page):
    _, page = pay_page(CHOICES["expire"])
    page.get_by_role("heading", name="This page is expired").wait_for()


def test_who_goes_back_has_paid_nothing(pay_page, library):
    made, page = pay_page("Back")
    page.wait_for_url(lambda url: made.id not in url)
    assert library.v1.checkout.sessions.retrieve(made.id).status == "open"
