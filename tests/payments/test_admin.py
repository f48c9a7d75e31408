"""Staff look at money and grant credit; nobody edits a row."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Q
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.models import (
    Dispute,
    Grant,
    HoldPart,
    IdempotencyRecord,
    LedgerAccount,
    PaymentHold,
    ProcessorEvent,
    TopUp,
    Transfer,
    Withdrawal,
)
from payments.services.grants import request_grant
from tests.balances import balance
from tests.factories import (
    StaffFactory,
    UserFactory,
    disputed,
    make_course,
    student_with_credit,
    top_up_of,
)
from tests.sharing import kept

pytestmark = pytest.mark.django_db

MONEY = [
    PaymentHold, HoldPart, Transfer, LedgerAccount, Withdrawal, IdempotencyRecord, TopUp,
    ProcessorEvent, Grant, Dispute,
]  # fmt: skip
GRANT = "/admin/payments/ledgeraccount/grant/"
REVOKE = "/admin/payments/ledgeraccount/revoke/"


def url(model, page, *args):
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_{page}", args=args)


def buy_and_more(email: str = "ada@example.com") -> User:
    """A student who has a row of every kind of money, made by buying where a service makes it."""
    student = student_with_credit(email=email)
    course = make_course(sessions=2)
    purchase_session(student=student, session_id=course.sessions.all()[0].pk)
    enroll_full_course(student=student, course_id=make_course(sessions=2).pk)
    Withdrawal.objects.create(teacher=course.teacher, amount=Decimal("1.00"), payout_details="x")
    IdempotencyRecord.objects.create(user=student, key=student.pk.hex, fingerprint="f")
    grant = {"amount": Decimal("1.00"), "reason": "A gift", "request_id": uuid4()}
    request_grant(user=student, actor=course.teacher, **grant)
    ProcessorEvent.objects.create(
        event_id=f"evt_{student.pk.hex}",
        type="checkout.session.completed",
        live=False,
        created=timezone.now(),
        top_up=disputed(top_up_of(student), "-20.00").top_up,
    )
    return student


@pytest.fixture
def boss() -> User:
    return StaffFactory()


@pytest.fixture
def browser(client, boss):
    client.force_login(boss)
    return client


@pytest.fixture
def clerk_browser(client):
    """Staff who were given no permission."""
    client.force_login(StaffFactory(is_superuser=False))
    return client


@pytest.fixture
def student() -> User:
    return buy_and_more()


@pytest.fixture(scope="class")
def rows(django_db_setup, django_db_blocker) -> Iterator[None]:
    with kept(django_db_blocker):
        buy_and_more()
        yield


@pytest.mark.usefixtures("rows")
class TestEachKindOfMoney:
    """By rows that are made once: no test of these adds or changes any."""

    @pytest.mark.parametrize("model", MONEY)
    def test_every_row_can_be_looked_at(self, browser, model):
        assert browser.get(url(model, "changelist")).status_code == 200
        for row in model.objects.all():
            page = browser.get(url(model, "change", row.pk))
            assert page.status_code == 200
            assert 'type="submit" value="Save"' not in page.content.decode()

    @pytest.mark.parametrize("model", MONEY)
    def test_staff_without_permission_sees_nothing(self, clerk_browser, model):
        row = model.objects.first()
        for page in (url(model, "changelist"), url(model, "change", row.pk), url(model, "add")):
            assert clerk_browser.get(page).status_code == 403

    @pytest.mark.parametrize("model", MONEY)
    def test_no_row_is_added_changed_or_deleted(self, browser, model):
        rows = list(model.objects.order_by("pk").values())
        key = model.objects.first().pk
        body = dict.fromkeys(model_to_dict(model.objects.first()), "1") | {"post": "yes"}
        for page in (url(model, "add"), url(model, "change", key), url(model, "delete", key)):
            assert browser.post(page, body).status_code == 403
        body = {"action": "delete_selected", "_selected_action": [str(key)], "post": "yes"}
        browser.post(url(model, "changelist"), body)
        assert list(model.objects.order_by("pk").values()) == rows

    @pytest.mark.both
    @pytest.mark.parametrize("model", MONEY)
    @pytest.mark.parametrize(
        "words",
        ["ada@example", "0198", "0198c1de-zzzz", "\0", "%", "'", '"', "😀", "urn:uuid:", "{}"],
    )
    def test_any_words_can_be_searched(self, browser, model, words):
        assert browser.get(url(model, "changelist"), {"q": words}).status_code == 200


@pytest.mark.both
@pytest.mark.parametrize("model", MONEY)
def test_a_row_is_found_by_its_id(browser, student, model):
    buy_and_more("bob@example.com")
    row = model.objects.first()
    for words in (str(row.pk), row.pk.hex, f" {row.pk} "):
        found = browser.get(url(model, "changelist"), {"q": words}).context["cl"].result_list
        assert list(found) == [row]
    assert not browser.get(url(model, "changelist"), {"q": uuid4()}).context["cl"].result_list


@pytest.mark.both
@pytest.mark.parametrize("words", ["ada@example.com", "Course of Ada", "enrollment id"])
def test_a_hold_is_found_by_person_course_and_enrolment(browser, words):
    buy_and_more("bob@example.com")
    ada = student_with_credit(email="ada@example.com")
    course = make_course(title="Course of Ada")
    enrollment = enroll_full_course(student=ada, course_id=course.pk)
    words = str(enrollment.pk) if words == "enrollment id" else words
    found = browser.get(url(PaymentHold, "changelist"), {"q": words}).context["cl"].result_list
    assert list(found) == [enrollment.hold]


@pytest.mark.both
def test_holds_are_filtered_by_person(browser, student):
    other = buy_and_more("bob@example.com")
    page = browser.get(
        url(PaymentHold, "changelist"),
        {"student__id__exact": student.pk, "status__exact": "held", "q": "ada"},
    )
    assert {hold.student for hold in page.context["cl"].result_list} == {student}
    text = page.content.decode()
    assert f'<option value="{student.pk}" selected>' in text
    form = text[: text.index('<select name="student__id__exact"')].rpartition("<form")[2]
    assert '<input type="hidden" name="status__exact" value="held">' in form
    assert '<input type="hidden" name="q" value="ada">' in form
    assert 'name="student__id__exact"' not in form
    assert "select2" in text
    assert str(other.pk) not in text
    garbage = browser.get(url(PaymentHold, "changelist"), {"student__id__exact": "garbage"})
    assert garbage.status_code == 302


def test_rows_are_counted_no_further_than_a_limit(browser, student, monkeypatch):
    page = browser.get(url(PaymentHold, "changelist")).content.decode()
    assert "2 payment holds" in page
    monkeypatch.setattr("common.admin.lists.MOST", 1)
    page = browser.get(url(PaymentHold, "changelist")).content.decode()
    assert "1+ payment hold" in page
    assert "Export 1+ as CSV" in page


@pytest.mark.both
def test_staff_are_told_when_words_mean_too_much(browser, student, monkeypatch):
    buy_and_more("adam@example.com")
    told = "too many rows"
    assert told not in browser.get(url(Transfer, "changelist"), {"q": "ada"}).content.decode()
    monkeypatch.setattr("common.admin.lists.MEANT", 1)
    assert told in browser.get(url(Transfer, "changelist"), {"q": "ada"}).content.decode()


@pytest.mark.both
def test_transfers_are_found_by_the_people_they_are_between(browser, student):
    buy_and_more("bob@example.com")
    page = browser.get(url(Transfer, "changelist"), {"q": "ADA@example"})
    mine = LedgerAccount.objects.filter(owner=student)
    found = {row.pk for row in page.context["cl"].result_list}
    of_mine = Transfer.objects.filter(Q(debit_account__in=mine) | Q(credit_account__in=mine))
    assert found == {row.pk for row in of_mine}


def test_a_list_is_sorted_only_by_what_has_an_index(browser, student):
    page = browser.get(url(Transfer, "changelist"))
    assert set(page.context["cl"].sortable_by) == {"created_at", "kind", "dedupe_key"}
    by_time = browser.get(url(Transfer, "changelist"), {"created_at__from": "2020-01-01"})
    assert [*by_time.context["cl"].queryset.query.order_by] == ["-created_at", "-pk"]


def test_a_hold_shows_parts_and_transfers(browser, student):
    hold = PaymentHold.objects.get(enrollment__isnull=False)
    text = browser.get(url(PaymentHold, "change", hold.pk)).content.decode()
    for row in (*hold.parts.all(), *hold.transfers.all()):
        assert str(row.pk) in text


@pytest.mark.parametrize("model", MONEY)
def test_statements_do_not_grow_with_rows(browser, model):
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(url(model, "changelist")).status_code == 200
        return len(queries)

    for number in range(3):
        buy_and_more(f"a{number}@example.com")
    statements()
    few = statements()
    for number in range(9):
        buy_and_more(f"b{number}@example.com")
    assert statements() == few


@pytest.fixture
def grant(student):
    """What the form sends; each test its own request."""
    return {
        "email": "Ada@example.com",
        "amount": "12.50",
        "reason": "A lesson was lost",
        "request_id": str(uuid4()),
    }


def test_a_grant_sent_twice_is_made_once(browser, boss, student, grant):
    before = balance(student)
    for _ in range(2):
        page = browser.post(GRANT, grant, follow=True)
        assert "Granted 12.50 credits to ada@example.com." in page.content.decode()
    assert balance(student) == before + Decimal("12.50")
    made = Transfer.objects.get(dedupe_key=f"grant:{grant['request_id']}")
    assert (made.actor, made.note) == (boss, "A lesson was lost")
    entry = LogEntry.objects.get(object_id=str(made.pk))
    assert (entry.user, "A lesson was lost" in entry.change_message) == (boss, True)
    assert "A lesson was lost" in browser.get(url(Transfer, "history", made.pk)).content.decode()


def test_a_mistaken_grant_is_taken_back_once(browser, boss, student, grant):
    before = balance(student)
    for _ in range(2):
        page = browser.post(REVOKE, grant, follow=True)
        assert "Took 12.50 credits back from ada@example.com." in page.content.decode()
    assert balance(student) == before - Decimal("12.50")
    made = Transfer.objects.get(dedupe_key=f"revoke:{grant['request_id']}")
    assert (made.actor, made.note) == (boss, "A lesson was lost")
    assert LogEntry.objects.get(object_id=str(made.pk)).user == boss


def test_no_more_is_taken_back_than_there_is(browser, student, grant):
    before = balance(student)
    page = browser.post(REVOKE, grant | {"amount": "9999.00"})
    assert "more credit." in page.content.decode()
    assert balance(student) == before
    assert not LogEntry.objects.exists()


def test_a_user_shows_what_they_have(browser, student):
    page = browser.get(url(User, "change", student.pk)).content.decode()
    assert f"wallet: ${balance(student)}" in page
    assert f"${balance(student)}" in browser.get(url(User, "changelist")).content.decode()


def test_balances_are_not_for_every_clerk(client, student):
    clerk = StaffFactory(is_superuser=False)
    clerk.user_permissions.add(Permission.objects.get(codename="view_user"))
    client.force_login(clerk)
    assert "wallet" not in client.get(url(User, "change", student.pk)).content.decode()
    assert f"${balance(student)}" not in client.get(url(User, "changelist")).content.decode()


def test_a_form_sent_again_with_another_amount_is_refused(browser, student, grant):
    browser.post(GRANT, grant)
    before = balance(student)
    again = browser.post(GRANT, grant | {"amount": "99"})
    assert "already sent with different details" in again.content.decode()
    assert balance(student) == before


@pytest.mark.parametrize(
    "change",
    [
        *({"amount": text} for text in ("0", "-5", "0.001", "NaN", "1e1", "1_0", "", "123456789")),
        {"email": "nobody@example.com"},
        {"email": "ada"},
        {"reason": " "},
        {"reason": "x" * 501},
        {"reason": "a\0b"},
        {"request_id": "1"},
        {"request_id": ""},
    ],
)
def test_a_bad_grant_is_an_error_of_the_form(browser, student, grant, change):
    before = balance(student)
    page = browser.post(GRANT, grant | change)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert balance(student) == before


def test_looking_at_the_form_grants_nothing(browser, student, grant):
    before = balance(student)
    page = browser.get(GRANT, grant)
    assert 'value="Ada@example.com"' in page.content.decode()
    assert balance(student) == before


def test_each_form_is_a_request_of_its_own(browser):
    forms = [browser.get(GRANT).context["form"]["request_id"].value() for _ in range(2)]
    assert forms[0] != forms[1]


def test_granting_needs_its_permission(client, student, grant):
    clerk = StaffFactory(is_superuser=False)
    codes = ["add_transfer", "change_ledgeraccount", "view_ledgeraccount"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client.force_login(clerk)
    before = balance(student)
    assert client.post(GRANT, grant).status_code == 403
    assert client.post(REVOKE, grant).status_code == 403
    assert GRANT not in client.get(url(LedgerAccount, "changelist")).content.decode()
    assert balance(student) == before
    clerk.user_permissions.add(Permission.objects.get(codename="grant_credit"))
    assert client.post(GRANT, grant).status_code == 302
    assert GRANT in client.get(url(LedgerAccount, "changelist")).content.decode()
    assert balance(student) == before + Decimal("12.50")


def test_only_staff_reaches_the_form(client, student, grant):
    client.force_login(UserFactory())
    assert client.post(GRANT, grant).status_code == 302
    assert not Transfer.objects.filter(note=grant["reason"]).exists()


def test_the_user_page_leads_to_the_grant(browser, student):
    page = browser.get(url(User, "change", student.pk)).content.decode()
    for form in (GRANT, REVOKE):
        assert f'href="{form}?email=ada%40example.com"' in page or f"{form}?email=ada@" in page
