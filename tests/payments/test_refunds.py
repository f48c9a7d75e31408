"""Credit goes back once, to where it came from, and only as far as it came from there.

A twin is the same without the guard, and the damage that comes of it.
"""

from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.errors import TooManyAttempts
from common.money import total
from common.transactions import operation
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from payments import refunding
from payments.errors import InDispute, NotRefundable, OwnCredit, ProcessorUnavailable
from payments.models import Dispute, HoldPart, ProcessorEvent, TopUp, TopUpRefund, Transfer
from payments.processors import stripe
from payments.services import disputes, events, refunds
from payments.services.disputes import settle_all as settle_disputes
from payments.services.disputes import settle_dispute
from payments.services.events import take_event
from payments.services.refunds import (
    preview_refund,
    request_refund,
    settle_all_refunds,
    settle_refund,
    settle_refunds_of,
)
from payments.services.topups import settle_top_up
from payments.wallets import credit_of, standing_of
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.api.conftest import client_of
from tests.factories import (
    DAY,
    StaffFactory,
    UserFactory,
    give_credit,
    make_course,
    owe,
    student_with_credit,
    top_up_of,
)
from tests.payments.test_top_ups_stripe import agree, pay, tell
from tests.telling import mailed, told, was_told

pytestmark = pytest.mark.django_db
URL = "/api/payments/refunds"
FIVE, TWENTY = Decimal("5.00"), Decimal("20.00")


@pytest.fixture(autouse=True)
def books_are_clean(broken):
    yield
    assert broken() == {}


@pytest.fixture
def rehearsed(settings):
    settings.PAYMENTS, settings.STRIPE_SECRET_KEY = "rehearsal", ""


@pytest.fixture
def paid(opened, at_stripe):
    """A top-up of 20.00 that was paid at Stripe; of this user, if one is named."""

    def pay_one(user=None, amount="20.00"):
        top_up = opened(user, amount)
        pay(at_stripe, top_up)
        return settle_top_up(top_up.pk)

    return pay_one


def ask_for(user, amount, **more):
    return request_refund(user=user, amount=Decimal(amount), **more)


def refundable_by(user):
    return total(piece.amount for piece in preview_refund(user, credit=credit_of(user)))


def statuses(user):
    return [*TopUpRefund.objects.of(user).order_by("pk").values_list("status", flat=True)]


def age(top_up, days):
    TopUp.objects.filter(pk=top_up.pk).update(paid_at=F("paid_at") - timedelta(days=days))


# --- how much, and by which -------------------------------------------------------------------


@pytest.mark.usefixtures("rehearsed")
class TestHowMuch:
    def test_no_more_than_was_paid_and_no_more_than_there_is(self):
        user = student_with_credit("30.00")
        assert refundable_by(user) == 0
        top_up_of(user, "20.00")
        assert refundable_by(user) == TWENTY
        # 45.00 are spent: what was granted counts as spent first.
        for _ in range(3):
            session = make_course(sessions=1, price_per_session="15.00").sessions.get()
            purchase_session(student=user, session_id=session.pk)
        assert refundable_by(user) == FIVE
        with pytest.raises(NotRefundable) as refused:
            ask_for(user, "5.01")
        assert refused.value.details == {"refundable": "5.00"}

    def test_the_newest_first_each_up_to_its_rest(self):
        user = UserFactory()
        old, new = top_up_of(user, "20.00"), top_up_of(user, "10.00")
        made = ask_for(user, "12.00")
        assert [(row.top_up, row.amount) for row in made.rows.order_by("pk")] == [
            (new, Decimal("10.00")),
            (old, Decimal("2.00")),
        ]
        assert [
            (one.top_up, one.amount) for one in preview_refund(user, credit=credit_of(user))
        ] == [(old, Decimal("18.00"))]
        assert standing_of(user).credit == Decimal("18.00")

    def test_its_user_has_some_time_and_staff_any(self, settings):
        settings.TOP_UP_REFUND_DAYS = 60
        user, clerk = UserFactory(), StaffFactory()
        age(top_up_of(user), 61)
        top_up_of(user, "5.00")
        assert refundable_by(user) == FIVE
        with pytest.raises(NotRefundable):
            ask_for(user, "5.01")
        made = ask_for(user, "25.00", actor=clerk, reason="Moved away")
        assert {row.asked_by for row in made.rows.all()} == {clerk}

    def test_what_a_teacher_called_off_goes_back_for_some_time_however_old(self, settings):
        settings.TOP_UP_REFUND_DAYS = 60
        user = UserFactory()
        age(top_up_of(user, "60.00"), 200)
        course = make_course(sessions=2, price_full_course="30.00")
        enroll_full_course(student=user, course_id=course.pk)
        assert refundable_by(user) == 0
        session = course.sessions.first()
        cancel_session(session_id=session.pk, actor=course.teacher)
        assert refundable_by(user) == Decimal("15.00")
        ask_for(user, "6.00")
        assert refundable_by(user) == Decimal("9.00")
        ago = {"settled_at": timezone.now() - timedelta(days=15)}
        HoldPart.objects.filter(session=session).update(**ago)
        assert refundable_by(user) == 0

    def test_what_went_takes_the_oldest_that_still_counted(self):
        now = timezone.now()
        came = [(now - 20 * DAY, Decimal(50)), (now - DAY, Decimal(30))]
        went = [(now - 10 * DAY, Decimal(50))]
        assert refunding._left(came, went, now) == 30
        assert refunding._left(came, [(now - DAY / 2, Decimal(20))], now) == 10

    def test_a_day_has_so_many(self, monkeypatch):
        monkeypatch.setattr(refunds, "PER_DAY", 2)
        user = UserFactory()
        top_up_of(user)
        for _ in range(2):
            ask_for(user, "1.00")
        with pytest.raises(TooManyAttempts):
            ask_for(user, "1.00")
        ask_for(user, "1.00", actor=StaffFactory())

    def test_what_a_bank_has_does_not_go_back(self):
        user = UserFactory()
        top_up = top_up_of(user)
        with disputed(top_up):
            assert refundable_by(user) == 0
            with pytest.raises(InDispute):
                ask_for(user, "5.00")
        ask_for(user, "5.00")

    def test_staff_are_no_party_and_have_the_right(self):
        user, clerk = UserFactory(), StaffFactory()
        top_up_of(clerk)
        with pytest.raises(OwnCredit):
            ask_for(clerk, "5.00", actor=clerk)
        make_groups()
        support = StaffFactory(is_superuser=False)
        support.groups.add(Group.objects.get(name="support"))
        with pytest.raises(PermissionDenied):
            ask_for(user, "5.00", actor=support)

    def test_money_of_a_rehearsal_goes_back_there(self):
        user = UserFactory()
        top_up_of(user)
        done = settle_refund(ask_for(user, "20.00").pk)
        assert (done.status, done.next_look_at) == ("succeeded", None)
        sent = Transfer.objects.get(kind="payback_sent")
        assert sent.credit_account.kind == "rehearsal"


@contextmanager
def disputed(top_up):
    """A bank has a part of a top-up, for as long as this lasts; the books of it are not kept."""
    rows = TopUp.objects.filter(pk=top_up.pk)
    rows.update(disputed_amount=FIVE)
    yield
    rows.update(disputed_amount=0)


# --- there and back -----------------------------------------------------------------------------


def test_it_is_reserved_sent_and_booked_once(paid, at_stripe):
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    assert (made.status, standing_of(top_up.user).credit) == ("requested", Decimal("8.00"))
    assert at_stripe.asked("create_refund") == []
    for _ in range(3):
        done = settle_refund(made.pk)
    assert (done.status, done.problem) == ("succeeded", "")
    [asked] = at_stripe.asked("create_refund")
    assert asked["key"] == f"refund:{made.pk}"
    [refund] = at_stripe.account.all(kind="refund")
    assert (refund["amount"], refund["id"]) == (1200, done.processor_id)
    assert agree(at_stripe)
    assert was_told(top_up.user, "top_up_refunded") == 1
    assert "can take up to ten days" in " ".join(mailed(told(top_up.user, "top_up_refunded")))


def test_none_is_asked_for_within_a_transaction(paid):
    made = ask_for(paid().user, "12.00")
    with pytest.raises(RuntimeError):
        operation(settle_refund)(made.pk)


@pytest.mark.parametrize("fault", ["drop", "half", "down", "busy", "locked"])
def test_without_an_answer_it_is_sent_once_all_the_same(fault, paid, at_stripe):
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    at_stripe.faults.next(call="create_refund", what=fault, times=2)
    for _ in range(3):
        with suppress(ProcessorUnavailable):
            settle_refund(made.pk)
    assert statuses(top_up.user) == ["succeeded"]
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert agree(at_stripe)


def lose_the_answer_of_days_ago(made, at_stripe):
    at_stripe.faults.next(call="create_refund", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        settle_refund(made.pk)
    at_stripe.advance(3 * 24 * 3600)
    TopUpRefund.objects.update(requested_at=timezone.now() - timedelta(days=3))


def test_once_stripe_forgot_the_key_it_is_looked_for_first(paid, at_stripe):
    made = ask_for(paid().user, "8.00")
    lose_the_answer_of_days_ago(made, at_stripe)
    assert settle_refund(made.pk).status == "succeeded"
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert agree(at_stripe)


def test_twin_that_does_not_look_sends_it_twice(paid, at_stripe, monkeypatch):
    monkeypatch.setattr(stripe, "KEYS_LAST", timedelta(days=100))
    made = ask_for(paid().user, "8.00")
    lose_the_answer_of_days_ago(made, at_stripe)
    settle_refund(made.pk)
    assert len(at_stripe.account.all(kind="refund")) == 2
    assert not agree(at_stripe)


def test_one_on_its_way_waits(paid, at_stripe, client):
    at_stripe.habits(refunds="pending")
    top_up = paid()
    made = settle_refund(ask_for(top_up.user, "12.00").pk)
    assert (made.status, was_told(top_up.user, "top_up_refunded")) == ("sent", 0)
    at_stripe.account.succeed_refund(refund=made.processor_id)
    for message in at_stripe.messages("refund.created", "refund.updated"):
        assert [tell(client, message), tell(client, message)] == [200, 200]
    assert statuses(top_up.user) == ["succeeded"]
    assert agree(at_stripe)


@pytest.mark.parametrize("weeks_later", [False, True])
def test_one_that_fails_is_credit_again_and_staff_are_told(weeks_later, paid, at_stripe, client):
    at_stripe.habits(refunds="succeeded" if weeks_later else "pending")
    top_up, clerk = paid(), StaffFactory()
    made = settle_refund(ask_for(top_up.user, "12.00").pk)
    at_stripe.account.fail_refund(refund=made.processor_id)
    for message in at_stripe.messages():
        assert tell(client, message) == 200
    assert statuses(top_up.user) == ["failed"]
    assert credit_of(top_up.user) == TWENTY
    assert TopUp.objects.get().refunded_amount == 0
    assert agree(at_stripe)
    assert was_told(top_up.user, "refund_failed") == was_told(clerk, "refund_failed_staff") == 1
    assert "expired_or_canceled_card" in " ".join(mailed(told(clerk, "refund_failed_staff")))
    # What was said before it failed is outdated, and nothing of it happens once more.
    said = stripe.Stripe().look_back(made)
    refunds._book(made.pk, replace(said, going=refunds.Going.ARRIVED))
    assert statuses(top_up.user) == ["failed"]
    assert refundable_by(top_up.user) == TWENTY


def test_what_fails_pays_a_debt_first(paid, at_stripe):
    at_stripe.habits(refunds="pending")
    user = paid().user
    made = settle_refund(ask_for(user, "20.00").pk)
    owe(user, "15.00")
    at_stripe.account.fail_refund(refund=made.processor_id)
    settle_refund(made.pk)
    assert standing_of(user)[::2] == (FIVE, 0)


def test_a_refund_that_stripe_refuses_is_credit_again(paid, at_stripe):
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    at_stripe.account.dispute(charge=top_up.charge, inquiry=False)
    done = settle_refund(made.pk)
    assert (done.status, done.failure) == ("failed", "charge_disputed")
    assert credit_of(top_up.user) == TWENTY
    settle_refunds_of(top_up.pk)


def test_what_stripe_refused_because_of_a_dispute_is_no_debt(paid, at_stripe):
    """Its credit is back before the bank's part is taken of it."""
    top_up = paid()
    ask_for(top_up.user, "12.00")
    settle_dispute(at_stripe.account.dispute(charge=top_up.charge)["id"])
    assert statuses(top_up.user) == ["failed"]
    assert standing_of(top_up.user)[::2] == (0, 0)
    assert was_told(top_up.user, "credit_owed") == 0
    assert agree(at_stripe)


def test_twin_who_does_not_ask_first_calls_it_a_debt(paid, at_stripe, monkeypatch, broken):
    """So it is, too, where Stripe doesn't say: what is taken is taken, and the debt goes later."""
    monkeypatch.setattr(disputes, "settle_refunds_of", lambda top_up_id: None)
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    settle_dispute(at_stripe.account.dispute(charge=top_up.charge)["id"])
    assert standing_of(top_up.user).owed == Decimal("12.00")
    assert was_told(top_up.user, "credit_owed") == 1
    assert broken() == {}
    settle_refund(made.pk)
    assert standing_of(top_up.user)[::2] == (0, 0)
    assert TopUp.objects.get().disputed_amount == TWENTY
    assert agree(at_stripe)


def test_a_silent_stripe_keeps_no_dispute_waiting(paid, at_stripe):
    top_up = paid()
    ask_for(top_up.user, "12.00")
    key = at_stripe.account.dispute(charge=top_up.charge)["id"]
    at_stripe.faults.next(call="create_refund", what="down", times=2)
    assert settle_dispute(key).taken == TWENTY
    assert standing_of(top_up.user).owed == Decimal("12.00")


@pytest.mark.parametrize(
    "order", [("dispute", "fail", "win"), ("dispute", "win", "fail"), ("fail", "dispute", "win")]
)
def test_a_refund_that_went_and_a_dispute_of_all_of_it(order, paid, at_stripe, broken):
    """The payer was paid twice, and owes one of them, until either comes back."""
    user = paid().user
    top_up = TopUp.objects.get()
    made = settle_refund(ask_for(user, "20.00").pk)
    keys = []
    moves = {
        "dispute": lambda: keys.append(at_stripe.account.dispute(charge=top_up.charge)["id"]),
        "fail": lambda: at_stripe.account.fail_refund(refund=made.processor_id),
        "win": lambda: at_stripe.account.win(dispute=keys[0]),
    }
    for move in order:
        moves[move]()
        settle_refund(made.pk)
        for key in keys:
            settle_dispute(key)
        assert agree(at_stripe)
        assert broken() == {}
    assert standing_of(user)[::2] == (TWENTY, 0)
    assert (TopUp.objects.get().refunded_amount, TopUp.objects.get().disputed_amount) == (0, 0)


LIES = {"amount": 1300, "currency": "eur", "metadata": {"refund": "none"}}


@pytest.mark.parametrize("lie", LIES)
def test_nothing_follows_from_what_was_not_asked_for(lie, paid, at_stripe):
    at_stripe.habits(refunds="pending")
    made = settle_refund(ask_for(paid().user, "12.00").pk)
    at_stripe.account.succeed_refund(refund=made.processor_id)
    at_stripe.account.lie(key=made.processor_id, fields={lie: LIES[lie]})
    wrong = settle_refund(made.pk)
    assert wrong.status == "sent"
    assert wrong.problem
    assert TopUpRefund.objects.in_question(timezone.now()).get() == wrong
    at_stripe.account.lie(key=made.processor_id, fields={})
    assert (settle_refund(made.pk).status, TopUpRefund.objects.get().problem) == ("succeeded", "")


def test_the_event_before_the_answer_is_about_the_same(paid, at_stripe, client):
    """It names our key, by which we know it before we know its id at Stripe."""
    made = ask_for(paid().user, "12.00")
    at_stripe.faults.next(call="create_refund", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        settle_refund(made.pk)
    for message in at_stripe.messages("refund.created"):
        assert tell(client, message) == 200
    assert TopUpRefund.objects.get().status == "succeeded"
    assert ProcessorEvent.objects.get(type="refund.created").top_up == made.top_up
    assert agree(at_stripe)


def test_the_event_while_the_answer_is_booked_is_about_the_same(paid, at_stripe, monkeypatch):
    """Whoever looks for it by its id, and then by our key, finds it by neither, and leaves it."""
    made = ask_for(paid().user, "12.00")
    at_stripe.faults.next(call="create_refund", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        settle_refund(made.pk)
    (message,) = at_stripe.messages("refund.created")
    event = stripe.receive(message["body"].encode(), message["signature"])
    said = replace(stripe.Stripe().pay_back(made), going=refunds.Going.ON_ITS_WAY)
    asked = []

    def answer_comes(execute, sql, *args):
        result = execute(sql, *args)
        if "processor_id" in sql and sql.startswith("SELECT") and len(asked) < 1:
            asked.append(sql)
            refunds._book(made.pk, said)
        return result

    stored = events._store(event)
    monkeypatch.setattr(events, "_store", lambda event: stored)
    with connection.execute_wrapper(answer_comes):
        take_event(event)
    assert asked
    assert not Dispute.objects.exists()
    assert statuses(made.user) == ["succeeded"]
    assert agree(at_stripe)


def test_the_job_takes_none_of_ours_for_one_of_the_desk(paid, at_stripe):
    top_up = paid()
    settle_refund(ask_for(top_up.user, "5.00").pk)
    lost = ask_for(top_up.user, "12.00")
    at_stripe.faults.next(call="create_refund", what="drop", times=2)
    with pytest.raises(ProcessorUnavailable):
        settle_refund(lost.pk)
    assert [*settle_disputes()] == []
    assert credit_of(top_up.user) == Decimal("3.00")
    settle_refund(lost.pk)
    assert agree(at_stripe)


def test_the_job_finds_one_of_ours_that_a_backup_does_not_know(paid, at_stripe):
    top_up = paid()
    at_stripe.account.refund(charge=top_up.charge, amount=800, metadata={"refund": str(uuid4())})
    assert [*settle_disputes()] == [True]
    assert credit_of(top_up.user) == Decimal("12.00")
    assert agree(at_stripe)


def test_the_job_asks_until_all_is_known(paid, at_stripe):
    at_stripe.habits(refunds="pending")
    top_up = paid()
    made = ask_for(top_up.user, "12.00")
    assert [*settle_all_refunds()] == []
    due()
    call_command("settle_top_ups")
    sent = TopUpRefund.objects.get()
    assert sent.status == "sent"
    at_stripe.account.succeed_refund(refund=sent.processor_id)
    due()
    assert [*settle_all_refunds()] == [True]
    assert (statuses(top_up.user), agree(at_stripe)) == (["succeeded"], True)
    # Weeks later, and no message came.
    at_stripe.account.fail_refund(refund=sent.processor_id)
    due()
    assert [*settle_all_refunds()] == [True]
    assert (statuses(top_up.user), agree(at_stripe)) == (["failed"], True)
    assert TopUpRefund.objects.get(pk=made.pk).next_look_at is None


def due():
    TopUpRefund.objects.update(next_look_at=timezone.now())


def test_one_that_arrived_is_asked_about_for_two_months(paid, at_stripe):
    settle_refund(ask_for(paid().user, "12.00").pk)
    pauses = []
    while TopUpRefund.objects.get().next_look_at:
        due()
        assert [*settle_all_refunds()] == [True]
        later = TopUpRefund.objects.get().next_look_at
        if later:
            pauses.append(round((later - timezone.now()) / DAY))
    assert pauses == [1, 2, 4, 8, 16, 32]


# --- over the API ---------------------------------------------------------------------------------


def test_the_same_key_is_the_same_refund(paid, at_stripe):
    user = paid().user
    api = client_of(user)
    assert api.get("/api/payments/wallet").json()["refundable"] == "20.00"
    once = [api.post(URL, {"amount": "12.00"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in once] == [201, 201]
    first, again = (answer.json() for answer in once)
    assert first == again
    assert (first["status"], first["amount"]) == ("succeeded", "12.00")
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert api.get(URL).json() == [first]
    assert api.get("/api/payments/wallet").json()["refundable"] == "8.00"
    assert client_of(UserFactory()).get(URL).json() == []


def test_one_request_may_be_several_refunds(paid):
    user = paid().user
    paid(user, "10.00")
    made = client_of(user).post(URL, {"amount": "25.00"}).json()
    assert [part["amount"] for part in made["parts"]] == ["10.00", "15.00"]
    assert made["amount"] == "25.00"
    [listed] = client_of(user).get(URL).json()
    assert listed == made


def test_a_silent_stripe_takes_nothing_away(paid, at_stripe):
    user = paid().user
    at_stripe.faults.next(call="create_refund", what="down", times=2)
    answer = client_of(user).post(URL, {"amount": "12.00"}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["status"]) == (201, "requested")
    again = client_of(user).post(URL, {"amount": "12.00"}, headers={"Idempotency-Key": "k"})
    assert again.json()["status"] == "succeeded"


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        ("20.01", 409, "not_refundable"),
        ("0.00", 400, "invalid_amount"),
        ("1e1", 400, "invalid_amount"),
    ],
)
def test_refused(amount, status, code, paid):
    answer = client_of(paid().user).post(URL, {"amount": amount})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- on pages -------------------------------------------------------------------------------------


def test_the_pages_say_where_it_goes_and_do_it_once(paid, client, at_stripe):
    top_up = paid()
    client.force_login(top_up.user)
    page = client.get("/credit/")
    assert 'value="20.00"' in page.text
    confirm = client.get("/credit/refund/", {"amount": "12.00"})
    assert top_up.reference in confirm.text
    assert "Refund $12.00" in confirm.text
    form = {"amount": "12.00", "idempotency_key": "k"}
    for _ in range(2):
        done = client.post("/credit/refund/", form, follow=True)
        assert "$12.00 is on its way" in done.text
    assert len(at_stripe.account.all(kind="refund")) == 1
    assert "Refunded to you" in done.text
    refused = client.post("/credit/refund/", {"amount": "12.00", "idempotency_key": "l"})
    assert refused.status_code == 409
    assert "You can have $8.00 refunded." in refused.text
    assert client.get("/credit/refund/", {"amount": "9.00"}).status_code == 302


def test_the_page_says_which_part_of_it_failed(paid, client, at_stripe):
    user = paid().user
    newest = paid(user, "10.00")
    at_stripe.account.dispute(charge=newest.charge)
    client.force_login(user)
    form = {"amount": "25.00", "idempotency_key": "k"}
    done = client.post("/credit/refund/", form, follow=True)
    assert "$15.00 is on its way" in done.text
    assert "$10.00 couldn&#x27;t be refunded" in done.text


def test_the_page_says_why_not_all_credit_can_go_back(paid, client):
    user = paid().user
    client.force_login(user)
    why = "A top-up can be refunded for 60 days"
    assert why not in client.get("/credit/").text
    give_credit(user, "1.00")
    assert why in client.get("/credit/").text


def test_who_has_nothing_to_refund_is_not_asked(client):
    user = student_with_credit("10.00")
    client.force_login(user)
    assert "go back to where you paid" not in client.get("/credit/").text
    assert client.get("/credit/refund/").status_code == 302


def test_staff_refund_on_the_screen_of_the_top_up(paid, client, at_stripe):
    top_up = paid()
    age(top_up, 400)
    give_credit(top_up.user, "1.00")
    client.force_login(StaffFactory())
    at = "/admin/payments/topup/decide/refund/"
    page = client.get(at, {"top_up": top_up.pk})
    assert "The payment provider keeps its fee of $0.88." in page.text
    assert page.text.index("-amount") < page.text.index("-reason")
    sent = {
        "top_up": top_up.pk,
        f"{top_up.pk}-amount": "20.00",
        f"{top_up.pk}-reason": "Moved away",
        f"{top_up.pk}-request_id": uuid4(),
    }
    wrong = client.post(at, sent | {f"{top_up.pk}-amount": "a lot"})
    assert "Please correct the mistakes below." in wrong.text
    for _ in range(2):
        assert client.post(at, sent, follow=True).status_code == 200
    assert "View on site" not in client.get(f"/admin/payments/topup/{top_up.pk}/change/").text
    assert statuses(top_up.user) == ["succeeded"]
    assert TopUpRefund.objects.get().reason == "Moved away"
    assert credit_of(top_up.user) == 1
    assert client.get("/admin/payments/topuprefund/").status_code == 200
    assert client.get(f"/admin/payments/topuprefund/{TopUpRefund.objects.get().pk}/change/")
    assert agree(at_stripe)
