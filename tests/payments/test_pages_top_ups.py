"""From a course that costs more than one has to "You're in", and what may happen on the way."""

import re
from decimal import Decimal
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.models import TopUp
from payments.services import topups
from payments.wallets import credit_of
from tests.factories import UserFactory, make_course, student_with_credit, top_up_of
from tests.payments.conftest import at_stripe

__all__ = ["at_stripe"]
pytestmark = pytest.mark.django_db

FORM = "/credit/top-up/"
ASKED = {"amount": "20.00", "method": "rehearsal", "idempotency_key": "k"}


@pytest.fixture
def rehearsing(settings):
    settings.PAYMENTS = "rehearsal"


@pytest.fixture
def student():
    return UserFactory()


@pytest.fixture
def browser(client, student):
    client.force_login(student)
    return client


def fields_of(page: str) -> dict[str, str]:
    """What a form would send: its inputs with their values."""
    inputs = re.findall(r"<input[^>]*>", page)
    named = ((re.search(r'name="(\w+)"', i), re.search(r'value="([^"]*)"', i)) for i in inputs)
    return {n[1]: unescape(v[1]) for n, v in named if n and v}


def test_from_a_course_without_credit_to_the_course(browser, student, rehearsing, broken):
    """The missing sum is preset, paying leads back, and the student confirms what they buy."""
    course = make_course(sessions=2, price_full_course="30.00")
    page = browser.get(reverse("enrollments:course", args=[course.pk])).content.decode()
    [link] = set(re.findall(r'You need \$30.00 more credit · <a href="([^"]*)">Top up</a>', page))
    form = browser.get(unescape(link)).content.decode()
    sent = fields_of(form)
    buying = reverse("enrollments:buy_course", args=[course.pk])
    assert (sent["amount"], sent["next"]) == ("30.00", buying)
    away = browser.post(FORM, sent)
    top_up = TopUp.objects.get()
    assert away["Location"] == reverse("payments:rehearsal", args=[top_up.pk])
    assert "No real money is taken" in browser.get(away["Location"]).content.decode()
    back = browser.post(away["Location"], {"outcome": "paid"})
    there = browser.get(back["Location"])
    assert there["Location"] == buying
    assert credit_of(student) == Decimal("30.00")
    confirm = browser.get(there["Location"]).content.decode()
    assert "Your top-up of $30.00 is in your credit." in confirm
    done = browser.post(buying, fields_of(confirm), follow=True).content.decode()
    assert "You&#x27;re in" in done
    assert broken() == {}


def test_what_is_missing_is_preset_as_far_as_one_top_up_goes(browser, rehearsing):
    for missing, preset in (("1.50", "5.00"), ("600.00", "500.00")):
        page = browser.get(f"{FORM}?amount={missing}&next=/learning/").content.decode()
        assert fields_of(page)["amount"] == preset
    assert browser.get(f"{FORM}?amount=x&next=//evil.example.org").status_code == 200


@pytest.mark.parametrize("path", ["//evil.example.org/", "https://evil.example.org/", "/\\evil"])
def test_paying_leads_to_a_page_of_ours_only(browser, rehearsing, path):
    browser.post(FORM, ASKED | {"next": path})
    assert TopUp.objects.get().return_path == ""


def test_a_form_that_is_sent_twice_is_one_top_up(browser, rehearsing):
    first, again = browser.post(FORM, ASKED), browser.post(FORM, ASKED)
    assert first["Location"] == again["Location"]
    assert TopUp.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [({"amount": "4.99"}, "A top-up is $5.00 to $500.00."), ({"amount": "1e1"}, "such as 12.50")],
)
def test_a_refusal_is_shown_at_the_field(browser, rehearsing, sent, said):
    page = browser.post(FORM, ASKED | sent)
    assert page.status_code == 400
    assert said in page.content.decode()
    assert not TopUp.objects.exists()


@pytest.mark.parametrize(
    ("played", "said"),
    [
        ("pending", "Your payment is on its way."),
        ("failed", "The payment didn&#x27;t go through. Nothing was charged."),
        ("closed", "This top-up wasn&#x27;t paid"),
        ("", "We haven&#x27;t heard of a payment yet."),
    ],
)
def test_what_became_of_it(browser, student, rehearsing, played, said):
    top_up = top_up_of(student, play_it=played)
    page = browser.get(f"{top_up.get_absolute_url()}?returned=1").content.decode()
    assert said in page.replace("'", "&#x27;")
    assert credit_of(student) == 0


def test_a_receipt_stays_as_it_was(browser, student, rehearsing):
    top_up = top_up_of(student)
    name, address = student.display_name, student.email
    student.display_name = "Somebody else"
    student.save(update_fields=["display_name"])
    page = browser.get(top_up.get_absolute_url()).content.decode()
    receipt = page[page.index("<article") :]
    for said in (top_up.reference, name, "Rehearsal", "$20.00", "test, no real money"):
        assert said in receipt
    assert address.partition("@")[0] in receipt
    assert "Somebody else" not in receipt


def test_others_top_ups_are_not_there(client, student, rehearsing):
    client.force_login(student_with_credit())
    top_up = top_up_of(student, play_it="")
    for name in ("payments:top_up", "payments:rehearsal"):
        assert client.get(reverse(name, args=[top_up.pk])).status_code == 404
    played = client.post(reverse("payments:rehearsal", args=[top_up.pk]), {"outcome": "paid"})
    assert played.status_code == 404


def test_only_this_form_may_lead_to_stripe(browser, at_stripe, settings):
    """And to its page it leads; everywhere it says that no money is real."""
    settings.STRIPE_CHECKOUT_HOST = at_stripe.url
    form = browser.get(FORM)
    assert f"form-action 'self' {at_stripe.url};" in form["Content-Security-Policy"]
    away = browser.post(FORM, ASKED | {"method": "stripe"})
    top_up = TopUp.objects.get()
    assert away["Location"] == top_up.checkout_url != ""
    other = browser.get("/credit/")
    assert "form-action 'self';" in other["Content-Security-Policy"]
    assert "Test mode" in other.content.decode()
    assert browser.get(reverse("payments:rehearsal", args=[top_up.pk])).status_code == 404


def test_while_stripe_is_away_one_top_up_waits_for_it(browser, at_stripe):
    """Its own page asks again: nobody sends the form anew, for another one each time."""
    with at_stripe.down():
        away = browser.post(FORM, ASKED | {"method": "stripe"})
        top_up = TopUp.objects.get()
        assert away["Location"] == top_up.get_absolute_url()
        page = browser.get(away["Location"]).content.decode()
    assert "reach our payment provider" in page
    assert "Continue to payment" not in page
    page = browser.get(away["Location"]).content.decode()
    assert f'href="{TopUp.objects.get().checkout_url}">Continue to payment' in page
    assert TopUp.objects.count() == 1


def test_who_has_it_asked_too_often_is_led_to_their_top_up(browser, at_stripe, monkeypatch):
    monkeypatch.setattr(topups, "ASKED_PER_MINUTE", 0)
    away = browser.post(FORM, ASKED | {"method": "stripe"})
    assert away["Location"] == TopUp.objects.get().get_absolute_url()
    assert at_stripe.asked() == []


def test_where_nobody_can_top_up_nothing_says_so(browser, student):
    assert browser.get(FORM)["Location"] == "/credit/"
    page = browser.get("/credit/").content.decode()
    assert "Top up" not in page
    assert "Test mode" not in page


def test_the_history_has_it_with_its_receipt(browser, student, rehearsing):
    top_up = top_up_of(student)
    page = browser.get("/credit/").content.decode()
    assert "Top-up" in page
    assert top_up.reference in page
    assert top_up.get_absolute_url() in page


def test_nobody_plays_where_there_is_no_rehearsal(browser, student, rehearsing, settings):
    page = reverse("payments:rehearsal", args=[top_up_of(student, play_it="").pk])
    settings.PAYMENTS = ""
    assert browser.get(page).status_code == 404
    assert browser.post(page, {"outcome": "paid"}).status_code == 404


def test_an_expired_one_is_not_paid_on_the_page_that_plays(browser, student, rehearsing):
    top_up = top_up_of(student, play_it="")
    TopUp.objects.filter(pk=top_up.pk).update(expires_at=timezone.now())
    browser.post(reverse("payments:rehearsal", args=[top_up.pk]), {"outcome": "paid"})
    browser.get(top_up.get_absolute_url())
    assert TopUp.objects.get().status == "expired"
