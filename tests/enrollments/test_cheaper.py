"""Where the full course and single sessions buy the same, pages offer only what costs less."""

import pytest
from django.test import Client

from enrollments.services.purchasing import purchase_session
from tests.api.conftest import client_of
from tests.factories import make_course, start_session, student_with_credit
from tests.forms import shown as form_of

pytestmark = pytest.mark.django_db

# Sessions, the price of them all and of one, how many of the first have started, and which of the
# others the reader has: the states of the course and of those that they do not have.
TABLE = [
    (4, "80.00", "24.00", 0, (), "open", "open"),
    (4, "96.00", "24.00", 0, (), "open", "open"),  # a tie: the course, and one of it for less
    (4, "96.04", "24.00", 0, (), "dearer", "open"),
    (4, "80.00", "24.00", 3, (), "started", "dearer"),  # the last of them: $20.00
    (4, "96.00", "24.00", 3, (), "started", "dearer"),  # a tie
    (4, "100.00", "24.00", 3, (), "dearer", "open"),
    (4, "20.00", "24.00", 0, (), "open", "dearer"),
    (1, "24.00", "24.00", 0, (), "open", "dearer"),
    (1, "30.00", "24.00", 0, (), "dearer", "open"),
    (4, "80.00", "24.00", 0, (1, 2, 3), "upgrade", "dearer"),  # $8.00 more is less than another
    (4, "96.00", "24.00", 0, (1, 2), "upgrade", "open"),
    (4, "97.00", "24.00", 0, (1, 2), "dearer", "open"),
    (4, "80.00", "24.00", 0, (1, 2, 3, 4), "upgrade", None),  # $16.00 comes back
    (4, "97.00", "24.00", 0, (1, 2, 3, 4), "dearer", None),
    (4, "80.00", None, 3, (), "started", "not_sold"),
    (4, None, "24.00", 3, (), "not_sold", "open"),
]


@pytest.fixture
def student():
    return student_with_credit("500.00")


def browser_of(reader):
    browser = Client()
    browser.force_login(reader)
    return browser


def states(page) -> tuple[str, set[str]]:
    """Of the course, and of its sessions that the reader can do something about."""
    sessions = {offer.state for _, offer in page.context["sessions"]}
    return page.context["offer"].state, sessions - {"bought", "running"}


@pytest.mark.parametrize(("sessions", "whole", "each", "started", "has", "of_it", "of_one"), TABLE)
def test_only_the_cheaper_is_offered(student, sessions, whole, each, started, has, of_it, of_one):
    course = make_course(sessions=sessions, price_full_course=whole, price_per_session=each)
    for session in course.sessions.all():
        if session.session_number <= started:
            start_session(session)
        if session.session_number in has:
            purchase_session(student=student, session_id=session.pk)
    page = browser_of(student).get(f"/courses/{course.pk}/")
    assert states(page) == (of_it, {of_one} - {None})
    labels = ("Buy full course" in page.text or "Upgrade" in page.text, "Buy session" in page.text)
    assert labels == (of_it in ("open", "started", "upgrade"), of_one == "open")


class TestTheDearer:
    @pytest.fixture(params=["whole", "singly"])
    def dearer(self, request):
        """A course, where to buy of it what is dearer, its price, and why it is not offered."""
        if request.param == "whole":
            course = make_course(sessions=2, price_full_course="50.00", price_per_session="24.00")
            url, api = f"courses/{course.pk}", f"courses/{course.pk}"
            return url, api, "50.00", "Choose the sessions you need: both cost $48.00."
        course = make_course(sessions=1, price_full_course="24.00", price_per_session="24.00")
        key = course.sessions.get().pk
        why = "Buy the full course: it costs no more."
        return f"sessions/{key}", f"sessions/{key}/purchase", "24.00", why

    def test_has_no_page_to_buy_it_on(self, student, dearer):
        url, _, _, why = dearer
        page = browser_of(student).get(f"/{url}/buy/", follow=True)
        assert [str(said) for said in page.context["messages"]] == [why]

    def test_is_sold_by_a_form_that_was_open_and_by_the_api(self, student, dearer):
        url, api, price, why = dearer
        browser = browser_of(student)
        other = make_course(price_per_session="1.00")
        key = other.sessions.first().pk
        form = form_of(browser.get(f"/sessions/{key}/buy/"))
        stale = browser.post(f"/{url}/buy/", form | {"expected_price": "1.00"}, follow=True)
        said = " ".join(map(str, stale.context["messages"]))
        assert "You were not charged." in said
        assert why in said
        form = form_of(browser.get(f"/sessions/{key}/buy/")) | {"expected_price": price}
        done = browser.post(f"/{url}/buy/", form, follow=True)
        assert f"${price} is held" in done.text
        bought = client_of(student_with_credit()).post(f"/api/enrollments/{api}")
        assert bought.status_code == 201
        assert bought.json()["hold"]["amount"] == price


def test_the_api_says_both_prices(student):
    course = make_course(sessions=2, price_full_course="50.00", price_per_session="24.00")
    told = client_of(student).get(f"/api/courses/{course.pk}").json()
    assert (told["price_now"], told["sessions"][0]["price_now"]) == ("50.00", "24.00")


def test_who_is_short_of_credit_is_offered_no_more(student):
    course = make_course(sessions=3, price_full_course="90.00", price_per_session="24.00")
    page = browser_of(student_with_credit("10.00")).get(f"/courses/{course.pk}/")
    assert states(page) == ("dearer", {"insufficient"})
    assert page.text.count("You need $14.00 more credit") == 1


def test_what_is_sold_out_whole_is_compared_with_nothing():
    """Its last single seats are for sale whatever the course would have cost."""
    course = make_course(
        sessions=2, price_full_course="20.00", price_per_session="24.00", max_students=1
    )
    first, _ = course.sessions.all()
    purchase_session(student=student_with_credit(), session_id=first.pk)
    page = browser_of(student_with_credit()).get(f"/courses/{course.pk}/")
    assert states(page) == ("sold_out", {"sold_out", "open"})


@pytest.mark.parametrize(
    ("sessions", "whole", "each", "shown", "hidden"),
    [
        (4, "80.00", "24.00", ["$80.00", "$24.00"], []),
        (4, "99.00", "24.00", ["$24.00", "all 4 for", "$96.00"], ["$99.00"]),
        (4, "20.00", "24.00", ["$20.00"], ["$24.00"]),
        (1, "24.00", "24.00", ["$24.00", "1 session"], ["per session"]),
    ],
)
def test_guests_see_the_same_on_page_and_card(client, sessions, whole, each, shown, hidden):
    course = make_course(sessions=sessions, price_full_course=whole, price_per_session=each)
    for page in (client.get("/").text, client.get(f"/courses/{course.pk}/").text):
        amounts = [words for words in shown + hidden if words.startswith("$")]
        assert [words for words in amounts if words in page] == [
            words for words in shown if words.startswith("$")
        ]
    card = client.get("/").text
    assert all(words in card for words in shown)
    assert not any(words in card for words in hidden)
