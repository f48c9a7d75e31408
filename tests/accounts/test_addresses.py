"""One address is one account, however it is written; another address is another account."""

from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.urls import reverse

from accounts.addresses import LONGEST, normal_address, validate_address
from accounts.models import User
from common.formats import address
from payments.models import LedgerAccount
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_pages_profile import link_sent
from tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

UMLAUT = "anna@xn--mller-kva.de"
SPELLINGS = [
    "anna@müller.de",
    " Anna@MÜLLER.de ",
    "ANNA@xn--mller-KVA.de",
    "anna@mu\N{COMBINING DIAERESIS}ller.de",
    "anna@müller。de",
]
OTHERS = ["anna@muller.de", "anna@mueller.de", "ana@müller.de"]
NO_ADDRESSES = [
    '"anna"@example.com',
    "an\N{ZERO WIDTH SPACE}na@müller.de",
    "\N{ZERO WIDTH NO-BREAK SPACE}anna@müller.de",
    "anna@mül\N{ZERO WIDTH SPACE}ler.de",
    "anna@mül\N{SOFT HYPHEN}ler.de",
    "anna@muller\N{WORD JOINER}.de",
    "anna@نامه\N{ZERO WIDTH NON-JOINER}ای.com",
    "anna@müller.de\N{RIGHT-TO-LEFT MARK}",
    "anna@\N{HANGUL FILLER}.de",
    '"an\x01na"@muller.de',
    "ännchen@muller.de",
    "anna@☕.de",
    "anna@-müller.de",
    "anna@ü..de",
]


@pytest.fixture
def anna(db) -> User:
    return UserFactory(email=SPELLINGS[0])


def wallet(user: User) -> str:
    return str(LedgerAccount.objects.get(owner=user, kind="wallet").balance)


@pytest.mark.parametrize("typed", SPELLINGS)
def test_every_spelling_is_one(typed):
    assert normal_address(typed) == UMLAUT
    assert normal_address(normal_address(typed)) == UMLAUT
    validate_address(UMLAUT)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("x@straße.de", "x@xn--strae-oqa.de"),
        ("x@STRASSE.de", "x@strasse.de"),
        ("x@faß.de", "x@xn--fa-hia.de"),
        ("x@例え.jp", "x@xn--r8jz45g.jp"),
        ("x@\N{FULLWIDTH LATIN CAPITAL LETTER X}.com", "x@x.com"),
        ('"A@B"@example.com', '"a@b"@example.com'),
        ("x@ab--cd.de", "x@ab--cd.de"),
        ("x@[127.0.0.1]", "x@[127.0.0.1]"),
        ("müller", "xn--mller-kva"),
        ("", ""),
    ],
)
def test_the_normal_form_is_what_mail_is_sent_to(typed, kept):
    assert normal_address(typed) == kept


def test_people_read_an_address_as_they_write_it():
    assert address(UMLAUT) == SPELLINGS[0]
    for strange in ("x@ab--cd.de", "x@[127.0.0.1]", "boss", ""):
        assert address(strange) == strange


@pytest.mark.parametrize("typed", NO_ADDRESSES)
def test_what_is_not_seen_or_no_domain_is_refused(client, typed):
    with pytest.raises(ValidationError):
        validate_address(normal_address(typed))
    answer = client.register(email=typed)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "invalid_request")
    assert list(body["details"]) == ["email"]
    person = {"email": typed, "display_name": "A", "password": PASSWORD, "time_zone": "UTC"}
    page = Browser().post("/register/", person)
    assert list(page.context["form"].errors) == ["email"]
    assert client.sign_in(typed).status_code == 401
    with pytest.raises(ValidationError):
        User.objects.create_user(typed, display_name="Anna")
    assert not User.objects.exists()


def test_a_text_of_megabytes_costs_nothing():
    """One such letter becomes eighteen."""
    text = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 10_000_000
    assert normal_address(text) is text
    assert len(text) > LONGEST


@pytest.mark.parametrize("typed", SPELLINGS)
def test_one_address_registers_once(anna, client, typed):
    answer = client.register(email=typed)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "invalid_request")
    assert body["details"] == {"email": ["An account with this email address already exists."]}


@pytest.mark.parametrize("other", OTHERS)
def test_an_address_that_looks_alike_is_somebody_elses(anna, client, other):
    answer = client.register(email=other)
    assert answer.status_code == 201
    assert answer.json()["email"] == normal_address(other)
    assert User.objects.count() == 2
    assert client.sign_in(other, "wrong guess").status_code == 401


@pytest.mark.parametrize("typed", SPELLINGS)
def test_one_signs_in_by_every_spelling(anna, client, typed):
    assert client.sign_in(typed).status_code == 200
    body = {"username": typed, "password": PASSWORD}
    assert Browser().post("/login/", body).status_code == 302


def test_staff_sign_in_by_every_spelling():
    StaffFactory(email=UMLAUT)
    for typed in SPELLINGS:
        body = {"username": typed, "password": PASSWORD}
        assert Browser().post("/admin/login/?next=/admin/", body).status_code == 302


def test_guesses_count_for_the_account_in_every_spelling(anna, client):
    answers = [client.sign_in(typed, "wrong guess").status_code for typed in SPELLINGS]
    assert answers == [401] * 5
    assert client.sign_in(UMLAUT).status_code == 429
    assert client.sign_in(OTHERS[0]).status_code == 401


def test_mails_count_for_the_account_in_every_spelling(db):
    answers = [Browser().post("/password/", {"email": typed}).status_code for typed in SPELLINGS]
    assert answers == [302] * 5
    assert Browser().post("/password/", {"email": UMLAUT}).status_code == 429


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_forgotten_password_is_mailed_for_every_spelling(anna, mailoutbox, typed):
    assert Browser().post("/password/", {"email": typed}).status_code == 302
    assert link_sent()
    assert [mail.to for mail in mailoutbox] == [[UMLAUT]]


@pytest.mark.parametrize("typed", [*OTHERS, "an\N{LATIN SMALL LETTER DOTLESS I}a@müller.de"])
def test_a_forgotten_password_of_another_is_mailed_to_nobody(anna, mailoutbox, typed):
    Browser().post("/password/", {"email": typed})
    Browser().post("/password/", {"email": UMLAUT})
    link_sent()
    assert len(mailoutbox) == 1


def test_credit_goes_to_the_address_that_is_named(anna):
    other = UserFactory(email=OTHERS[0])
    call_command("grant_credit", "Anna@Müller.de", "5.00", reason="A gift", stdout=StringIO())
    assert (wallet(anna), wallet(other)) == ("5.00", "0.00")
    call_command("grant_credit", OTHERS[0], "7.00", reason="A gift", stdout=StringIO())
    assert (wallet(anna), wallet(other)) == ("5.00", "7.00")


def test_credit_goes_to_nobody_who_only_looks_alike():
    UserFactory(email=OTHERS[0])
    with pytest.raises(CommandError, match=r"Nobody has the address anna@müller\.de"):
        call_command("grant_credit", SPELLINGS[0], "5.00", reason="A gift")


class TestAdmin:
    @pytest.fixture
    def browser(self) -> Browser:
        browser = Browser()
        browser.force_login(StaffFactory())
        return browser

    def test_credit_is_granted_by_every_spelling(self, anna, browser):
        UserFactory(email=OTHERS[0])
        url = reverse("admin:payments_ledgeraccount_decide", args=["grant"])
        form = {"email": SPELLINGS[1], "amount": "5.00", "reason": "A gift"}
        key = browser.get(url).context["form"]["request_id"].value()
        assert browser.post(url, form | {"request_id": key}).status_code == 302
        assert wallet(anna) == "5.00"

    def test_a_user_is_not_given_the_address_of_another(self, anna, browser):
        url = reverse("admin:accounts_user_change", args=[UserFactory().pk])
        person = {"display_name": "Anna", "time_zone": "UTC"}
        passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
        for typed in SPELLINGS:
            page = browser.post(url, person | {"email": typed})
            assert list(page.context["adminform"].form.errors) == ["email"]
            new = person | passwords | {"email": typed}
            page = browser.post(reverse("admin:accounts_user_add"), new)
            assert list(page.context["adminform"].form.errors) == ["email"]
        browser.post(url, person | {"email": OTHERS[0].upper()})
        assert User.objects.filter(email=OTHERS[0]).exists()

    @pytest.mark.parametrize("screen", ["accounts_user", "payments_ledgeraccount"])
    def test_a_user_is_found_by_every_spelling(self, anna, browser, screen):
        url = reverse(f"admin:{screen}_changelist")
        for typed in (*SPELLINGS, "ANNA@", "ann"):
            assert browser.get(url, {"q": typed}).context["cl"].result_count, typed
        assert not browser.get(url, {"q": OTHERS[0]}).context["cl"].result_count


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_superuser_has_an_address_of_his_own(anna, typed):
    with pytest.raises(CommandError, match="already taken"):
        create_superuser(typed)
    User.objects.update(email=OTHERS[0])
    create_superuser(typed)
    assert User.objects.get(email=UMLAUT).is_superuser


@pytest.mark.parametrize("typed", NO_ADDRESSES)
def test_a_superuser_has_an_address(typed):
    with pytest.raises(CommandError, match="Enter a valid email address"):
        create_superuser(typed)
    assert not User.objects.exists()


def create_superuser(email: str) -> None:
    call_command("createsuperuser", interactive=False, email=email, display_name="A", verbosity=0)
