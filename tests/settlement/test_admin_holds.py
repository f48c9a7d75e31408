"""Staff find holds, read them, and decide on them: with a reason, row by row, each once."""

import csv
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import exports
from courses.models import Course
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments import audit
from payments.models import HoldPart, PaymentHold
from rooms.models import Attendance
from settlement.admin.deciding import name_of
from settlement.admin.holds import PaymentHoldAdmin
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.balances import balance
from tests.factories import (
    StaffFactory,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/payments/paymenthold/"
REFUND, RELEASE = f"{LIST}decide/refund/", f"{LIST}decide/release/"
EXPORT = f"{LIST}export/"


def of_group(name: str):
    make_groups()
    clerk = StaffFactory(is_superuser=False)
    clerk.groups.add(Group.objects.get(name=name))
    return clerk


@pytest.fixture
def boss(client):
    """Somebody in the finance group, who is signed in."""
    boss = of_group("finance")
    client.force_login(boss)
    return boss


@pytest.fixture
def hold(boss) -> PaymentHold:
    """Ada paid 100.00 for three sessions, the first of which is over since yesterday."""
    course = make_course(sessions=3, title="Spanish to go")
    ada = student_with_credit(email="ada@example.com")
    enrollment = enroll_full_course(student=ada, course_id=course.pk)
    end_session(course.sessions.get(session_number=1), ago=timedelta(days=1))
    return enrollment.hold


@pytest.fixture
def single(boss) -> PaymentHold:
    """Bob paid 16.00 for a session to come."""
    session = make_course(sessions=1, title="Chess").sessions.get()
    bob = student_with_credit(email="bob@example.com")
    return purchase_session(student=bob, session_id=session.pk).hold


def parts_of(*holds: PaymentHold) -> list[HoldPart]:
    return list(HoldPart.objects.filter(hold__in=holds).order_by("session__session_number"))


def body(*holds: PaymentHold, parts: list[HoldPart] | None = None, reason="A complaint") -> dict:
    parts = parts_of(*holds) if parts is None else parts
    return {
        "hold": [hold.pk for hold in holds],
        "part": [part.pk for part in parts],
        "reason": reason,
    }


def said(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def found(client, **filters) -> list[PaymentHold]:
    return list(client.get(LIST, filters).context["cl"].result_list)


def test_the_list_says_who_paid_what_and_when_it_is_due(client, hold, single):
    page = client.get(LIST).content.decode()
    for words in ("ada@example.com", "Spanish to go", "Chess: 1. A lesson", "100.00", "(overdue)"):
        assert words in page
    HoldPart.objects.filter(hold=single).update(review_reason="Nobody came")
    assert "under review" in client.get(LIST).content.decode()


def test_holds_that_wait_for_somebody_are_found(client, hold, single):
    assert found(client, attention="overdue") == [hold]
    assert found(client, attention="review") == []
    HoldPart.objects.filter(hold=hold, session__session_number=1).update(review_reason="Empty")
    assert found(client, attention="overdue") == []
    assert found(client, attention="review") == [hold]
    assert len(found(client, attention="nonsense")) == 2


def test_holds_are_found_by_the_day(client, hold, single):
    day = timezone.now()
    PaymentHold.objects.filter(pk=hold.pk).update(held_at=day - timedelta(days=3))
    old, new = f"{day - timedelta(days=3):%F}", f"{day:%F}"
    assert found(client, held_at__from=old, held_at__to=old) == [hold]
    assert found(client, held_at__from=new) == [single]
    assert len(found(client, held_at__from="2026-99-99", held_at__to="x")) == 2


def test_the_page_of_a_hold_tells_its_story(client, hold):
    client.post(REFUND, body(hold, parts=parts_of(hold)[1:2]))
    page = client.get(f"{LIST}{hold.pk}/change/").content.decode()
    for words in ("held", "$100.00", "refunded", "$33.33", "2. A lesson", "staff decision"):
        assert words in page
    assert f"{RELEASE}?hold={hold.pk}" in page


def test_statements_do_not_grow_with_holds(client, hold):
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        return len(queries)

    few = statements()
    for number in range(3):
        student = student_with_credit(email=f"u{number}@example.com")
        enroll_full_course(student=student, course_id=make_course(sessions=2).pk)
    assert statements() == few


def test_the_preview_moves_nothing(client, hold, single):
    body_ = {"action": "refund", "_selected_action": [hold.pk, single.pk]}
    pages = [client.post(LIST, body_), client.get(f"{REFUND}?hold={hold.pk}&reason=x&part=y")]
    for page in pages:
        text = page.content.decode()
        assert "ada@example.com gets <strong>$100.00</strong>" in text
    assert PaymentHold.objects.filter(status="held").count() == 2


def test_the_preview_of_a_release_says_who_gets_what_and_what_stays(client, hold):
    page = client.get(f"{RELEASE}?hold={hold.pk}").content.decode()
    assert f"{hold.teacher} gets <strong>$23.33</strong>" in page
    assert "the platform gets <strong>$10.00</strong>" in page
    assert page.count("disabled") == 2
    assert page.count("nothing can be paid out for it yet.") == 2


def test_what_is_running_is_not_released(client, hold):
    running = parts_of(hold)[1]
    start_session(running.session)
    page = client.get(f"{RELEASE}?hold={hold.pk}").content.decode()
    assert page.count("disabled") == 2
    assert "nothing can be paid out for it yet." in page
    told = said(client.post(RELEASE, body(hold, parts=[running]), follow=True))
    said_of_it = "This session isn't over, so nothing can be paid out for it yet."
    assert told == [f"{name_of(hold)}: {said_of_it}"]
    assert PaymentHold.objects.get(pk=hold.pk).released_amount == 0


def test_who_was_there_is_told(client, hold):
    session = parts_of(hold)[0].session
    Attendance.objects.create(
        session=session,
        user=hold.student,
        connection="PA_1",
        room_sid="RM_1",
        joined_at=session.starts_at,
        left_at=session.starts_at + timedelta(minutes=52),
        seen_at=session.starts_at + timedelta(minutes=52),
        source="webhook",
    )
    for url in (f"{RELEASE}?hold={hold.pk}", f"{LIST}{hold.pk}/change/"):
        page = client.get(url).content.decode()
        assert page.count("Student 52 to 60, teacher 0 to 60 of 60 min") == 1
        assert page.count("of 60 min") == 1


@pytest.mark.both
def test_the_words_of_a_search_are_an_address_or_a_title(client, hold, single):
    assert found(client, q=" ADA@example ") == found(client, q="Spanish") == [hold]
    assert found(client, q=hold.teacher.email) == [hold]
    assert found(client, q="%@example.com") == found(client, q="@") == []
    assert found(client, q="ada@example.com", attention="review") == []


@pytest.mark.both
def test_no_title_is_searched_for_an_address(client, hold):
    Course.objects.update(title="Maths @home, me@home.now")
    for words in ("@home", "maths @home", "@home.now", "me@home"):
        assert found(client, q=words) == [hold]
    assert found(client, q="me@home.now") == []


def test_what_is_searched_is_told(client, hold):
    assert (
        "Type a whole id, the beginning of the student&#x27;s email, the beginning of the "
        "teacher&#x27;s email or a part of the course&#x27;s title."
    ) in client.get(LIST).content.decode()


@pytest.mark.parametrize("words", [{}, {"q": ""}, {"q": " "}])
def test_without_words_every_hold_is_there(client, hold, single, monkeypatch, words):
    monkeypatch.setattr("common.admin.lists.MEANT", 1)
    assert len(found(client, **words)) == 2


def test_each_row_has_its_own_result(client, boss, hold, single):
    PaymentHold.objects.filter(pk=single.pk).update(teacher=boss)
    page = client.post(REFUND, body(hold, single), follow=True)
    assert sorted(said(page)) == [
        f"{hold.pk} of ada@example.com: refunded $100.00 (3 of its parts).",
        f"{single.pk} of bob@example.com: Part of this payment is yours, "
        "so someone else on the staff has to decide.",
    ]
    assert (balance(hold.student), balance(single.student)) == (500, 484)


def test_sent_twice_it_is_done_once(client, hold):
    client.post(REFUND, body(hold))
    again = client.post(REFUND, body(hold), follow=True)
    assert "already been settled" in said(again)[-1]
    assert balance(hold.student) == 500
    assert LogEntry.objects.filter(object_id=str(hold.pk)).count() == 1


def test_only_what_was_ticked_moves(client, hold):
    client.post(RELEASE, body(hold, parts=parts_of(hold)[:1]))
    hold.refresh_from_db()
    assert (hold.released_amount, hold.status) == (Decimal("33.33"), "held")
    client.post(RELEASE, body(hold, parts=parts_of(hold)[:2]))
    assert PaymentHold.objects.get(pk=hold.pk).released_amount == Decimal("33.33")


def test_the_history_says_who_and_why(client, boss, hold):
    client.post(REFUND, body(hold, reason="<script>alert(1)</script> lost"))
    entry = LogEntry.objects.get(object_id=str(hold.pk))
    assert entry.user == boss
    page = client.get(f"{LIST}{hold.pk}/history/").content.decode()
    assert "Refunded $100.00 (3 of its parts): &lt;script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_asked_for(client, hold, reason):
    page = client.post(REFUND, body(hold, reason=reason))
    assert page.status_code == 200
    assert page.context["form"].errors
    assert balance(hold.student) == 400


def test_a_session_stays_unticked_where_the_reason_was_forgotten(client, hold):
    page = client.post(REFUND, body(hold, parts=parts_of(hold)[:1], reason=""))
    assert page.text.count('type="checkbox"') == 3
    assert page.text.count(" checked") == 1
    assert f'value="{parts_of(hold)[0].pk}" id="part-{parts_of(hold)[0].pk}" checked' in page.text


def test_a_hold_of_which_nothing_is_ticked_is_left_as_it_is(client, hold, single):
    page = client.post(REFUND, body(hold, single, parts=parts_of(hold)), follow=True)
    assert sorted(said(page)) == [
        f"{name_of(hold)}: refunded $100.00 (3 of its parts).",
        f"{name_of(single)}: left as it is.",
    ]
    assert PaymentHold.objects.get(pk=single.pk).status == "held"
    assert LogEntry.objects.get().object_id == str(hold.pk)


def test_too_many_at_once_are_refused(client, hold, single, monkeypatch):
    monkeypatch.setattr(PaymentHoldAdmin, "at_most", 1)
    body_ = {"action": "refund", "_selected_action": [hold.pk, single.pk]}
    assert "at most 1" in said(client.post(LIST, body_, follow=True))[0]
    client.post(REFUND, body(hold, single))
    assert PaymentHold.objects.filter(status="held").count() == 2


@pytest.mark.parametrize("key", ["x", "", uuid4()])
def test_a_hold_that_is_not_there_is_no_hold(client, boss, key):
    assert "no such hold" in client.get(REFUND, {"hold": key}).content.decode()
    assert client.post(REFUND, {"hold": key, "part": "x", "reason": "x"}).status_code == 302


def test_there_is_no_other_verb(client, boss):
    assert client.get(f"{LIST}decide/delete/").status_code == 404


def test_support_looks_and_does_not_touch(client, hold):
    client.force_login(of_group("support"))
    page = client.get(LIST)
    assert page.status_code == client.get(f"{LIST}{hold.pk}/change/").status_code == 200
    assert "Export" not in page.content.decode()
    for url in (REFUND, RELEASE):
        assert client.get(url, {"hold": hold.pk}).status_code == 403
        assert client.post(url, body(hold)).status_code == 403
    assert client.get(EXPORT).status_code == 403
    client.post(LIST, {"action": "refund", "_selected_action": [hold.pk]})
    assert balance(hold.student) == 400


def rows(answer) -> list[dict[str, str]]:
    content = b"".join(answer.streaming_content)
    # A spreadsheet reads every character.
    assert content.startswith(b"\xef\xbb\xbf")
    text = content.decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_what_is_filtered_is_exported(client, hold, single):
    [row] = rows(client.get(EXPORT, {"q": "ada@example.com", "status__exact": "held"}))
    assert row["reference"] == str(hold.pk)
    assert (row["amount"], row["released"], row["student"]) == ("100.00", "0.00", "ada@example.com")
    assert row["course or session"] == "Spanish to go"
    page = client.get(LIST, {"q": "ada@example.com"}).content.decode()
    assert f"{EXPORT}?{urlencode({'q': 'ada@example.com'})}" in page
    assert client.get(EXPORT, {"student__id__exact": "garbage"}).status_code == 302


@pytest.mark.both
def test_all_rows_are_exported_chunk_by_chunk(client, hold, single, monkeypatch):
    monkeypatch.setattr(exports, "CHUNK", 2)
    third = purchase_session(
        student=single.student, session_id=make_course(sessions=1).sessions.get().pk
    )
    exported = [row["reference"] for row in rows(client.get(EXPORT))]
    assert exported == [str(key) for key in (third.hold.pk, single.pk, hold.pk)]


def test_no_cell_is_a_formula(client, boss):
    course = make_course(sessions=1, title="=HYPERLINK(1)")
    student = student_with_credit(email="+ada@example.com")
    enroll_full_course(student=student, course_id=course.pk)
    [row] = rows(client.get(EXPORT))
    assert (row["student"], row["course or session"]) == ("'+ada@example.com", "'=HYPERLINK(1)")


@pytest.mark.parametrize("start", list("=+-@\t\r\n"))
def test_whatever_a_spreadsheet_takes_for_a_formula_is_quoted(start):
    assert exports.safe_cell(f"{start}1") == f"'{start}1"


def test_other_cells_are_left_alone():
    assert [exports.safe_cell(cell) for cell in ("1+1", None, Decimal("1.50"))] == [
        "1+1",
        "",
        "1.50",
    ]


def test_the_books_are_clean_after_it_all(client, hold, single):
    client.post(RELEASE, body(hold, parts=parts_of(hold)[:1]))
    client.post(REFUND, body(hold, single, parts=parts_of(hold, single)[1:]))
    assert all(finding.ok for finding in audit.run())
