"""Exports of many holds: a job makes the file, and only who asked for it reads it."""

import csv
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts import exporting
from accounts.models import FilePiece, StaffRequest
from common import exports
from common.passes import ending_once
from enrollments.services.enrolling import enroll_full_course
from payments.models import PaymentHold
from tests.factories import StaffFactory, make_course, student_with_credit

pytestmark = pytest.mark.django_db

LIST = "/admin/payments/paymenthold/"
EXPORT, REQUESTS = f"{LIST}export/", "/admin/accounts/staffrequest/"
HOLDS = 5


@pytest.fixture
def boss(client, monkeypatch):
    """Somebody who may do everything, and for whom three rows are many, two a piece."""
    monkeypatch.setattr(exporting, "AT_ONCE", 3)
    monkeypatch.setattr(exports, "CHUNK", 2)
    boss = StaffFactory(time_zone="Pacific/Auckland")
    client.force_login(boss)
    return boss


@pytest.fixture
def holds(boss) -> list[PaymentHold]:
    """The newest first, as a file has them; the title is a formula."""
    course = make_course(sessions=1, title="=1+1")
    for number in range(HOLDS):
        student = student_with_credit(email=f"student{number}@example.com")
        enroll_full_course(student=student, course_id=course.pk)
    return list(PaymentHold.objects.order_by("-pk"))


def carry_out() -> None:
    call_command("carry_out_requests")


def content(answer) -> bytes:
    return b"".join(answer.streaming_content)


def references(file: bytes) -> list[str]:
    return [row["reference"] for row in csv.DictReader(file.decode("utf-8-sig").splitlines())]


def address_of(asked: StaffRequest) -> str:
    return f"{REQUESTS}{asked.pk}/file/"


def test_of_few_rows_it_comes_at_once_by_link_or_button(client, holds):
    query = urlencode({"q": "student1@example.com"})
    for answer in (client.get(f"{EXPORT}?{query}"), client.post(f"{EXPORT}?{query}")):
        assert len(references(content(answer))) == 1
    assert not StaffRequest.objects.exists()
    button = f'<form method="post" action="{EXPORT}?{query}">'
    assert button in client.get(f"{LIST}?{query}").text


def test_of_many_a_job_makes_the_same_file(client, holds, monkeypatch):
    asking = client.post(f"{EXPORT}?status__exact=held", follow=True)
    assert "It&#x27;s being prepared: holds of more than 3 rows." in asking.text
    assert "being prepared</span>" in asking.text
    assert asking["Refresh"]
    carry_out()
    page = client.get(REQUESTS)
    assert "Refresh" not in page
    assert "<h1>Select staff request to view</h1>" in page.text
    assert '<td class="field-filtered">status held</td>' in page.text
    asked = StaffRequest.objects.get()
    assert (asked.state, asked.rows) == ("done", HOLDS)
    assert address_of(asked) in page.text
    answer = client.get(address_of(asked))
    assert answer["Content-Disposition"] == 'attachment; filename="holds.csv"'
    file = content(answer)
    assert references(file) == [str(hold.pk) for hold in holds]
    monkeypatch.setattr(exporting, "AT_ONCE", HOLDS)
    assert content(client.get(f"{EXPORT}?status__exact=held")) == file


def test_a_link_asks_for_nothing(client, holds):
    answer = client.get(EXPORT, follow=True)
    assert "use the button" in answer.text
    assert not StaffRequest.objects.exists()


def test_pressed_twice_it_is_made_once(client, holds):
    for query in ("?status__exact=held", "?status__exact=held", ""):
        client.post(f"{EXPORT}{query}")
    client.force_login(StaffFactory())
    client.post(EXPORT)
    assert StaffRequest.objects.count() == 3
    carry_out()
    client.post(EXPORT)
    assert StaffRequest.objects.waiting().count() == 1


def test_only_who_asked_for_it_reads_it(client, holds):
    client.post(EXPORT)
    carry_out()
    [asked] = StaffRequest.objects.all()
    client.force_login(StaffFactory())
    assert client.get(address_of(asked)).status_code == 404
    assert str(asked.pk) not in client.get(REQUESTS).text
    client.logout()
    assert client.get(address_of(asked)).status_code == 302


def test_and_only_as_long_as_they_may_export(client, boss, holds):
    client.post(EXPORT)
    carry_out()
    [asked] = StaffRequest.objects.all()
    boss.is_superuser = False
    boss.save()
    assert client.get(address_of(asked)).status_code == 403
    boss.is_staff = False
    boss.save()
    assert client.get(address_of(asked)).status_code == 302


@pytest.mark.parametrize("lost", ["is_superuser", "is_staff", "is_active"])
def test_nothing_is_made_for_who_may_not_have_it_any_more(client, boss, holds, lost):
    client.post(EXPORT)
    setattr(boss, lost, False)
    boss.save()
    carry_out()
    assert StaffRequest.objects.get().state == "failed"
    assert not FilePiece.objects.exists()


def test_there_is_no_file_before_it_is_whole(client, holds):
    client.post(EXPORT)
    [asked] = StaffRequest.objects.all()
    with ending_once(lambda: True):
        carry_out()
    asked.refresh_from_db()
    assert (asked.state, asked.rows, asked.pieces.count()) == ("waiting", 2, 1)
    assert ">2<" in client.get(REQUESTS).text
    assert client.get(address_of(asked)).status_code == 404


def test_the_next_pass_goes_on_where_one_has_ended(client, holds):
    client.post(EXPORT)
    with ending_once(lambda: True):
        for _ in range(3):
            carry_out()
    [asked] = StaffRequest.objects.all()
    assert references(content(client.get(address_of(asked)))) == [str(hold.pk) for hold in holds]


class Killed(BaseException):
    """The process dies here."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement", ['UPDATE "staff_requests"', 'INSERT INTO "staff_request_pieces"']
)
def test_what_a_process_left_that_died_is_taken_up_again(client, holds, statement):
    client.post(EXPORT)
    seen = []

    def die_at_the_second(execute, sql, *rest):
        if sql.replace("`", '"').startswith(statement):
            seen.append(sql)
            if len(seen) == 2:
                raise Killed
        return execute(sql, *rest)

    with pytest.raises(Killed), connection.execute_wrapper(die_at_the_second):
        carry_out()
    [asked] = StaffRequest.objects.all()
    assert (asked.state, asked.rows) == ("waiting", 2)
    carry_out()
    assert references(content(client.get(address_of(asked)))) == [str(hold.pk) for hold in holds]


def test_what_fails_is_said_to_have_failed(client, holds, caplog):
    client.post(f"{EXPORT}?q=student")
    StaffRequest.objects.update(query="student__id__exact=garbage")
    with pytest.raises(CommandError, match="holds of"):
        carry_out()
    assert "could not be carried out" in caplog.text
    assert "failed</span>" in client.get(REQUESTS).text


def test_there_is_no_file_of_words_that_mean_too_much(client, holds, monkeypatch):
    """The list of them leaves some out, and says so."""
    monkeypatch.setattr("common.admin.lists.MEANT", HOLDS - 1)
    for ask in (client.get, client.post):
        answer = ask(f"{EXPORT}?q=student", follow=True)
        assert answer.redirect_chain == [(f"{LIST}?q=student", 302)]
        assert "There is no file" in answer.text
        assert answer.text.count("too many rows") == 1
    assert not StaffRequest.objects.exists()
    assert len(references(content(client.get(f"{EXPORT}?q=student1")))) == 1


def test_nor_of_words_that_come_to_mean_too_much(client, holds, monkeypatch):
    client.post(f"{EXPORT}?q=student")
    with ending_once(lambda: True):
        carry_out()
    monkeypatch.setattr("common.admin.lists.MEANT", HOLDS - 1)
    with pytest.raises(CommandError, match="holds of"):
        carry_out()
    [asked] = StaffRequest.objects.all()
    assert (asked.state, asked.rows) == ("failed", 2)
    assert client.get(address_of(asked)).status_code == 404


def test_a_day_begins_where_the_asker_is(client, holds):
    """At noon UTC it's tomorrow in Auckland."""
    noon = timezone.now().replace(hour=12, minute=0)
    PaymentHold.objects.update(held_at=noon)
    day = (noon + timedelta(days=1)).date().isoformat()
    client.post(f"{EXPORT}?{urlencode({'held_at__from': day})}")
    carry_out()
    assert StaffRequest.objects.get().rows == HOLDS


def test_it_is_kept_for_a_day(client, holds):
    client.post(EXPORT)
    carry_out()
    [asked] = StaffRequest.objects.all()
    assert asked.expires_at - asked.finished_at == timedelta(days=1)
    call_command("prune_sign_ins", verbosity=0)
    assert asked.pieces.count() == 3
    StaffRequest.objects.update(expires_at=timezone.now())
    assert client.get(address_of(asked)).status_code == 404
    assert str(asked.pk) not in client.get(REQUESTS).text
    call_command("prune_sign_ins", verbosity=0)
    assert not FilePiece.objects.exists()
    assert not StaffRequest.objects.exists()


def test_whoever_comes_second_writes_nothing(client, holds):
    """A process whose turn is over, and that doesn't know it."""
    client.post(EXPORT)
    first, second = StaffRequest.objects.get(), StaffRequest.objects.get()
    screen = admin.site.get_model_admin(PaymentHold)
    next(screen.export_pieces(first))
    assert [*screen.export_pieces(second)] == []
    assert [*screen.export_pieces(first)] == [4]
    assert references(content(client.get(address_of(first)))) == [str(hold.pk) for hold in holds]
