"""What readers turn off is not sent to them, and nothing else is kept from them."""

import base64
import re
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from common.errors import NotFound
from common.tokens import sealed, unsealed
from notices.choices import choices_of, find_choice, is_off, way_out
from notices.kinds import Group, every_kind
from notices.models import Notice, TurnedOff
from notices.rendering import mail_of
from notices.sending import send_due
from notices.services.choosing import choose_emails, turn_off
from notices.services.outbox import put, send_again
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
REMINDERS, DIGESTS = Group.REMINDERS, Group.DIGESTS
FACTS = {"title": "It", "at": "2026-10-24T16:00:00Z"}


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def reminder(make_kind):
    return make_kind(name="reminder", group=REMINDERS)


def send(kind, reader, about=1):
    """Put it into the outbox and send what is there; what became of its mail."""
    put([kind.tell(reader.pk, about=about, facts=FACTS)])
    list(send_due())
    notice = Notice.objects.get(kind=kind.name, dedupe_key__contains=f":{about}:")
    return notice.mail, notice.mail_note


def token_of(reader, group=REMINDERS):
    return way_out(reader.pk, group).split("/")[2]


def test_what_is_turned_off_is_not_mailed_and_still_told(reader, reminder, mailoutbox):
    turn_off(reader_id=reader.pk, group=REMINDERS)
    assert send(reminder, reader) == ("dropped", "The reader turned reminders off.")
    assert mailoutbox == []
    assert Notice.objects.shown_to(reader.pk).unread().count() == 1


def test_it_is_one_group_of_one_reader(reader, reminder, make_kind, mailoutbox):
    turn_off(reader_id=reader.pk, group=REMINDERS)
    assert send(reminder, UserFactory(), about=2)[0] == "sent"
    assert send(make_kind(name="digest", group=DIGESTS), reader)[0] == "sent"
    assert send(make_kind(name="receipt"), reader)[0] == "sent"
    assert len(mailoutbox) == 3


def test_the_choice_of_the_moment_counts_at_which_it_is_sent(reader, reminder, mailoutbox):
    put([reminder.tell(reader.pk, about=1, facts=FACTS)])
    turn_off(reader_id=reader.pk, group=REMINDERS)
    list(send_due())
    assert mailoutbox == []
    send_again(notice_id=Notice.objects.get().pk)
    list(send_due())
    assert mailoutbox == [], "staff cannot send it either"
    choose_emails(reader_id=reader.pk, on=[REMINDERS], off=[])
    send_again(notice_id=Notice.objects.get().pk)
    list(send_due())
    assert len(mailoutbox) == 1


def test_a_choice_made_again_changes_nothing(reader, django_assert_num_queries):
    turn_off(reader_id=reader.pk, group=REMINDERS)
    before = TurnedOff.objects.values().get()
    choose_emails(reader_id=reader.pk, on=[], off=[REMINDERS])
    with django_assert_num_queries(1):
        turn_off(reader_id=reader.pk, group=REMINDERS)
    assert TurnedOff.objects.values().get() == before
    for _ in range(2):
        choose_emails(reader_id=reader.pk, on=[REMINDERS], off=[DIGESTS])
        assert [is_off(reader.pk, group) for group in Group] == [False, False, True]


def test_only_staff_are_asked_about_digests(reader):
    def asked(is_staff):
        return [one.group for one in choices_of(reader.pk, is_staff=is_staff)]

    assert asked(is_staff=False) == [REMINDERS, Group.ANNOUNCEMENTS]
    assert asked(is_staff=True) == [*Group]


def test_what_touches_money_time_or_the_account_cannot_be_turned_off():
    in_a_group = {kind.name for kind in every_kind() if kind.group}
    assert in_a_group <= {
        *("reminder_day", "reminder_hour", "teaching_soon", "announcement", "staff_digest"),
        "reminder",  # of this file
    }


# The link


def test_a_token_says_who_and_what_and_nothing_else_does(reader):
    assert find_choice(token_of(reader)) == (reader.pk, REMINDERS)
    assert find_choice(token_of(reader, DIGESTS)) == (reader.pk, DIGESTS)
    assert token_of(reader) != token_of(UserFactory())


def test_a_token_outlasts_passwords_and_addresses(reader):
    token = token_of(reader)
    reader.set_password("another one, that nobody knows")
    reader.email = "another@example.com"
    reader.save()
    assert token_of(reader) == token
    assert find_choice(token) == (reader.pk, REMINDERS)


def test_no_token_but_ours_is_one(reader, django_assert_num_queries):
    token = token_of(reader)
    other = "A" if token[-1] != "A" else "B"
    wrong = [token[:place] + other + token[place + 1 :] for place in (0, 20, 25, 30, 45, -1)]
    wrong = [one for one in wrong if one != token]
    said = reader.pk.bytes + REMINDERS.value.encode()
    wrong += [token[:-1], token[:-4], f"{token}A", f"{token}AAAA", f"{token}=", f"{token}\n"]
    wrong += ["", "A", "=", "ünïcode", base64.urlsafe_b64encode(said).decode()]
    wrong += [sealed("another purpose", said)]
    with django_assert_num_queries(0):
        for one in wrong:
            with pytest.raises(NotFound):
                find_choice(one)


def test_a_token_of_what_is_gone_leads_nowhere(reader):
    for said in (reader.pk.bytes + b"weather", reader.pk.bytes, b"\xff" * 16 + b"reminders"):
        with pytest.raises(NotFound):
            find_choice(sealed("notices.choices", said))


def test_a_token_is_for_one_purpose(reader):
    token = sealed("one", b"it")
    assert unsealed("one", token) == b"it"
    with pytest.raises(NotFound):
        unsealed("two", token)


def test_links_in_mails_already_sent_go_on_working(settings):
    """Another way to make them would break those."""
    settings.SECRET_KEY = "a key that signs nothing that matters, for this test alone"
    token = way_out(UUID("0192f5a0-7b1c-7def-8123-456789abcdef"), REMINDERS).split("/")[2]
    assert token == "AZL1oHscfe-BI0VniavN73JlbWluZGVyc1SOHfVk4zkn3XkAT0933Ao"


def test_it_is_longer_than_a_key_so_logs_cut_it(reader):
    assert all(len(token_of(reader, group)) >= 37 for group in Group)


# The mail


def headers(kind, reader):
    """Of its mail, as it goes over the line."""
    put([kind.tell(reader.pk, about=1, facts=FACTS)])
    message = mail_of(Notice.objects.get(kind=kind.name)).message()
    return message_from_bytes(message.as_bytes(linesep="\r\n"), policy=policy.default)


def test_a_mail_offers_to_turn_off_its_own_kind_by_one_click(reader, reminder, settings):
    settings.SITE_URL = "https://talk.example.org"
    mail = headers(reminder, reader)
    link = f"https://talk.example.org{way_out(reader.pk, REMINDERS)}"
    assert mail["List-Unsubscribe"].strip() == f"<{link}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, page = (part.get_content() for part in mail.iter_parts())
    assert f"Turn off reminders: {link}" in text.splitlines()
    assert "Choose what we email you: https://talk.example.org/notices/emails/" in text
    assert f'<a href="{link}"' in page
    assert 'href="https://talk.example.org/notices/emails/"' in page


def test_what_cannot_be_turned_off_offers_nothing(reader, make_kind):
    mail = headers(make_kind(), reader)
    assert mail["List-Unsubscribe"] is mail["List-Unsubscribe-Post"] is None
    assert "unsubscribe" not in mail.as_string()


def test_a_mail_program_turns_it_off_by_what_it_was_sent(reader, reminder, mail_server):
    assert send(reminder, reader)[0] == "sent"
    [taken] = mail_server.taken()
    folded = taken["mail"]
    link = re.search(r"^List-Unsubscribe:\s+<https?://[^/]+([^>]+)>", folded, re.MULTILINE)[1]
    assert link == reverse("notices:turn_off", args=[token_of(reader)])
    answer = Client(enforce_csrf_checks=True).post(link, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert send(reminder, reader, about=2)[0] == "dropped"
