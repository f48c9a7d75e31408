"""An address is proved by a link."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import links
from accounts.messages import tell_password_changed
from accounts.models import AddressChange, User
from accounts.proving import prove_address, send_link_again
from notices.models import Notice
from notices.services.outbox import send_again
from tests.accounts.conftest import PASSWORD
from tests.accounts.proofs import (
    GONE,
    NEW,
    api_of,
    ask,
    browser_of,
    link,
    page,
    press,
    refuse,
    send,
)
from tests.telling import mailed, told, was_told

pytestmark = pytest.mark.django_db


class TestUnproved:
    def test_a_new_account_is_sent_a_link_and_nothing_else(self, eve):
        tell_password_changed(eve)
        assert send() == [(eve.email, "Confirm your email address for talkplatform")]
        notice = told(eve, "password_changed")
        assert (notice.mail, notice.mail_note) == ("dropped", "The address isn't confirmed.")
        assert list(Notice.objects.shown_to(eve.pk)) == [notice]

    def test_what_is_past_is_not_mailed_later(self, eve):
        tell_password_changed(eve)
        press(f"/email/{links.token_for(eve.pk, eve.email)}/")
        tell_password_changed(eve)
        assert send() == [(eve.email, "Your password was changed")]
        first = Notice.objects.filter(kind="password_changed").order_by("pk")[0]
        assert first.mail == "dropped"
        send_again(notice_id=first.pk)
        assert send() == []

    def test_the_mail_holds_nothing_that_somebody_chose(self, eve):
        send()
        [sent] = mail.outbox
        assert "Eve" not in sent.message().as_string()
        assert mailed(told(eve, "address_to_prove"))[:3] == [
            "Confirm your email address for talkplatform",
            "Someone, probably you, gave this email address for an account on talkplatform. "
            "Confirm it within 48 hours, so that we can write to you here.",
            "If it wasn't you, don't confirm it. You can ignore this email.",
        ]

    def test_every_page_says_so_until_it_is_proved(self, eve):
        browser = browser_of(eve)
        for path in ("/", "/profile/", "/learning/", "/no-such-page/"):
            assert page(browser.get(path)).count("Confirm your email address.") == 1
        assert "Confirm your email address." not in page(Client().get("/"))
        assert "Send it again" not in page(browser.get(link(eve.email)))
        press(link(eve.email))
        assert "Confirm your email address." not in page(browser.get("/"))

    def test_the_banner_costs_those_who_need_none_no_statement(self, ada):
        def statements(browser: Client) -> int:
            with CaptureQueriesContext(connection) as captured:
                browser.get("/profile/password/")
            return len(captured)

        browser = browser_of(ada)
        without = statements(browser)
        refuse(ada)
        assert statements(browser) == without
        User.objects.update(proved_since=None, email_refused=False)
        assert statements(browser) == without + 1  # the address that it is to be changed to

    def test_a_link_for_an_address_that_was_proved_meanwhile_is_not_mailed(self, eve):
        prove_address(links.token_for(eve.pk, eve.email), visitor=eve)
        assert send() == []

    def test_nor_one_of_an_account_that_was_deactivated(self, eve):
        User.objects.update(is_active=False)
        assert send() == []

    def test_a_superuser_made_at_the_console_is_proved(self):
        boss = User.objects.create_superuser("boss@example.com", PASSWORD, display_name="Boss")
        assert boss.email_proved


class TestTheLink:
    def test_opening_it_changes_nothing_and_its_button_proves(self, eve):
        path = link(eve.email)
        for _ in range(2):
            opened = Client().get(path)
            assert "eve@example.com" in page(opened)
            assert Client().head(path).status_code == 200
            assert not User.objects.get(pk=eve.pk).email_proved
        answer = press(path)
        assert answer.redirect_chain == [("/login/", 302)]
        assert "Your email address is confirmed." in page(answer)
        assert User.objects.get(pk=eve.pk).email_proved

    def test_a_second_press_is_as_good_as_the_first(self, eve):
        path, browser = link(eve.email), browser_of(eve)
        for _ in range(2):
            answer = press(path, browser)
            assert answer.redirect_chain == [("/profile/", 302)]
            assert "Your email address is confirmed." in page(answer)

    def test_a_form_of_elsewhere_does_not_press_it(self, eve):
        strict = Client(enforce_csrf_checks=True)
        assert strict.post(link(eve.email), {"password": PASSWORD}).status_code == 403
        assert not User.objects.get(pk=eve.pk).email_proved

    def test_it_works_for_some_time(self, eve, settings):
        settings.PROOF_HOURS = 3
        path = link(eve.email)
        with time_machine.travel(timezone.now() + timedelta(hours=3, minutes=1)):
            assert GONE in page(Client().get(path))
            assert GONE in page(press(path))
        assert not User.objects.get(pk=eve.pk).email_proved

    def test_of_a_deactivated_user_it_does_not(self, eve):
        path = link(eve.email)
        User.objects.update(is_active=False)
        assert GONE in page(Client().get(path))
        assert GONE in page(press(path))
        assert not User.objects.get(pk=eve.pk).email_proved

    def test_it_proves_one_address_of_one_user(self, eve, ada):
        token = links.token_for(eve.pk, eve.email)
        User.objects.filter(pk=ada.pk).update(proved_since=None)
        forged = token.replace(eve.pk.hex, ada.pk.hex)
        for bad in (forged, token[:-1], token + "A", links.token_for(eve.pk, ada.email)):
            assert GONE in page(press(f"/email/{bad}/"))
        assert not User.objects.exclude(proved_since=None).exists()

    @pytest.mark.parametrize("token", ["x", "%00", "0" * 5000, "a.b.c", "{}.1.x", "\ud83e\udd8a"])
    def test_a_made_up_link_is_no_accident(self, token):
        token = token.encode(errors="ignore").decode()
        assert GONE in page(Client().get(f"/email/{token or 'x'}/"))

    def test_a_link_for_a_password_is_none_for_an_address(self, eve):
        Client().post("/password/", {"email": eve.email})
        send()
        [*_, token] = re.search(r"/password/(\S+)/\s", mail.outbox[-1].body)[1].split("/")
        assert GONE in page(press(f"/email/{token}/"))

    def test_what_leaves_the_page_names_no_token(self, eve):
        answer = Client().get(link(eve.email))
        assert answer["Referrer-Policy"] == "strict-origin"
        assert "no-store" in answer["Cache-Control"]
        assert not re.search(r'(?:src|href)="https?://', page(answer))

    def test_logs_cut_it_and_no_row_holds_it(self, eve, caplog):
        caplog.set_level("DEBUG")
        path = link(eve.email)
        token = path.strip("/").rpartition("/")[2]
        press(path)
        rows = [*Notice.objects.values(), *AddressChange.objects.values(), *User.objects.values()]
        assert len(token) >= 37
        assert eve.email not in token
        assert token not in f"{rows}{caplog.text}"

    def test_it_leads_to_the_configured_host(self, eve, settings):
        settings.SITE_URL = "https://talk.example.org"
        path = link(eve.email)
        assert f"https://talk.example.org{path}\n" in mail.outbox[-1].body


class TestAnotherLink:
    def test_it_is_sent_on_demand(self, eve):
        send()
        answer = browser_of(eve).post("/profile/email/link/", follow=True)
        assert "sent a link to eve@example.com" in page(answer)
        press(link(eve.email))
        assert User.objects.get(pk=eve.pk).email_proved
        assert len(mail.outbox) == 2

    def test_there_is_none_where_nothing_is_to_be_proved(self, ada):
        answer = browser_of(ada).post("/profile/email/link/")
        assert answer.status_code == 409
        assert "already confirmed" in page(answer)
        refused = api_of(ada).post("/api/auth/email/link")
        assert (refused.status_code, refused.json()["code"]) == (409, "already_proved")
        assert send() == []

    def test_there_are_three_an_hour_and_ten_a_day(self, eve):
        now, answers = timezone.now(), []
        for hour in range(5):
            with time_machine.travel(now + timedelta(hours=hour, minutes=hour)):
                browser = browser_of(eve, f"192.0.2.{hour}")
                answers += [browser.post("/profile/email/link/").status_code for _ in range(4)]
        assert answers.count(302) == 10
        assert answers[:4] == [302, 302, 302, 429]
        assert answers[-4:] == [429] * 4

    def test_nobody_else_uses_them_up(self, eve, ada):
        for _ in range(3):
            ask(ada, eve.email)
        assert send_link_again(user=eve, address="192.0.2.1") == eve.email

    @pytest.mark.parametrize("path", ["/profile/email/link/", "/profile/email/keep/"])
    def test_a_button_asks_for_it(self, eve, path):
        assert browser_of(eve).get(path).status_code == 405
        assert Client().post(path)["Location"] == f"/login/?next={path}"


class TestStaff:
    @pytest.fixture
    def staff(self) -> Client:
        boss = User.objects.create_superuser("boss@example.com", PASSWORD, display_name="Boss")
        return browser_of(boss)

    def test_an_address_that_staff_give_is_proved_like_any_other(self, ada, staff):
        ask(ada, "ada@example.net")
        body = {"email": NEW, "display_name": "Ada", "time_zone": "UTC", "is_active": "on"}
        assert staff.post(f"/admin/accounts/user/{ada.pk}/change/", body).status_code == 302
        user = User.objects.get(pk=ada.pk)
        assert (user.email, user.email_proved, user.new_email) == (NEW, False, "")
        assert sorted(send()) == [
            ("ada@example.com", "Someone asked to change your email address"),
            ("ada@example.com", "Your email address was changed"),
            (NEW, "Confirm your email address for talkplatform"),
        ]
        press(link(NEW))
        assert User.objects.get(pk=ada.pk).email_proved

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.both
    def test_staff_save_in_a_transaction_that_is_really_committed(self, staff):
        """Tests run in a transaction of their own, which hides that one cannot begin in another."""
        passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
        person = {"email": "bob@example.com", "display_name": "Bob"}
        staff.post("/admin/accounts/user/add/", person | passwords)
        bob = User.objects.get(email="bob@example.com")
        body = {"email": NEW, "display_name": "Bob", "time_zone": "UTC", "is_active": "on"}
        staff.post(f"/admin/accounts/user/{bob.pk}/change/", body)
        assert User.objects.get(pk=bob.pk).email == NEW
        assert was_told(bob, "address_to_prove") == 2

    def test_other_changes_by_staff_doubt_no_address(self, ada, staff):
        body = {"email": ada.email, "display_name": "A", "time_zone": "UTC", "is_active": "on"}
        staff.post(f"/admin/accounts/user/{ada.pk}/change/", body)
        user = User.objects.get(pk=ada.pk)
        assert (user.display_name, user.email_proved) == ("A", True)
        assert send() == []

    def test_a_user_whom_staff_make_is_sent_a_link(self, staff):
        passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
        body = {"email": NEW, "display_name": "Bob"} | passwords
        assert staff.post("/admin/accounts/user/add/", body).status_code == 302
        assert send() == [(NEW, "Confirm your email address for talkplatform")]
        assert "not confirmed" in page(staff.get("/admin/accounts/user/"))
