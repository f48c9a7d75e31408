"""What a bank takes back is booked once, as Stripe says when asked; each guard has its twin."""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from enrollments.services.enrolling import enroll_full_course
from payments.models import DebtWriteOff, Dispute, LedgerAccount, ProcessorEvent, TopUp, Transfer
from payments.processors import Movement, stripe
from payments.services import disputes
from payments.services.debts import ask_write_off, write_off
from payments.services.disputes import settle_all, settle_dispute
from payments.wallets import credit_of
from tests.factories import StaffFactory, UserFactory, give_credit, make_course
from tests.payments.paying import agree, foreign, pay, tell
from tests.stripe.conftest import client as library_at
from tests.telling import told, was_told

pytestmark = pytest.mark.django_db
NOTHING, TWENTY, FEE = Decimal("0.00"), Decimal("20.00"), Decimal("15.00")


def dispute(at_stripe, top_up, **how):
    return at_stripe.account.dispute(charge=top_up.charge, **how)["id"]


def heard(client, at_stripe, *kinds):
    """Tell our webhook all that Stripe has told of these kinds; how it answered."""
    return {tell(client, message) for message in at_stripe.messages(*kinds)}


def owed_by(user):
    return LedgerAccount.objects.get(owner=user, kind="wallet").owed


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def everybody_asks():
    Dispute.objects.update(next_look_at=timezone.now())
    assert all(settle_all())


# --- what is taken, and given back ----------------------------------------------------------------


def test_what_the_bank_takes_is_taken_once_and_the_fee_is_ours(paid, at_stripe, client, broken):
    top_up = paid()
    give_credit(top_up.user, "5.00")
    key = dispute(at_stripe, top_up)
    for _ in range(2):
        assert heard(client, at_stripe) == {200}
        everybody_asks()
    made = Dispute.objects.get()
    assert (made.processor_id, made.status, made.taken, made.fee) == (
        key,
        "needs_response",
        TWENTY,
        FEE,
    )
    assert credit_of(top_up.user) == 5
    assert fresh(top_up).disputed_amount == TWENTY
    assert agree(at_stripe)
    assert broken() == {}


def test_what_is_spent_is_owed_and_a_win_pays_that_first(paid, at_stripe, client, broken):
    student = UserFactory()
    top_up = paid(student)
    give_credit(student, "90.00")
    enroll_full_course(student=student, course_id=make_course().pk)
    key = dispute(at_stripe, top_up)
    heard(client, at_stripe)
    assert (credit_of(student), owed_by(student)) == (NOTHING, Decimal("10.00"))
    assert broken() == {}
    at_stripe.account.win(dispute=key)
    heard(client, at_stripe)
    assert (credit_of(student), owed_by(student)) == (Decimal("10.00"), NOTHING)
    won = Dispute.objects.get()
    assert (won.status, won.given_back, won.next_look_at) == ("won", TWENTY, None)
    assert fresh(top_up).disputed_amount == NOTHING
    assert agree(at_stripe)
    assert broken() == {}


def test_a_part_is_taken_and_lost(paid, at_stripe, client, broken):
    top_up = paid()
    key = dispute(at_stripe, top_up, amount=700)
    at_stripe.account.lose(dispute=key)
    heard(client, at_stripe)
    lost = Dispute.objects.get()
    assert (lost.status, lost.taken, lost.next_look_at) == ("lost", Decimal("7.00"), None)
    assert credit_of(top_up.user) == Decimal("13.00")
    assert fresh(top_up).disputed_amount == Decimal("7.00")
    assert agree(at_stripe)
    assert broken() == {}


def test_a_part_is_given_back(paid, at_stripe, client, broken):
    top_up = paid()
    at_stripe.account.win(dispute=dispute(at_stripe, top_up), amount=1500)
    heard(client, at_stripe)
    assert credit_of(top_up.user) == Decimal("15.00")
    assert fresh(top_up).disputed_amount == Decimal("5.00")
    assert agree(at_stripe)
    assert broken() == {}


def test_an_inquiry_moves_nothing_until_it_is_a_dispute(paid, at_stripe, client, broken):
    top_up = paid()
    key = dispute(at_stripe, top_up, inquiry=True)
    heard(client, at_stripe)
    asked = Dispute.objects.get()
    assert (asked.status, asked.is_inquiry) == ("warning_needs_response", True)
    assert (credit_of(top_up.user), fresh(top_up).disputed_amount) == (TWENTY, NOTHING)
    assert broken() == {}
    at_stripe.account.escalate(dispute=key)
    heard(client, at_stripe)
    assert (credit_of(top_up.user), fresh(top_up).disputed_amount) == (NOTHING, TWENTY)
    assert agree(at_stripe)
    assert broken() == {}


def test_an_inquiry_that_comes_to_nothing(paid, at_stripe, client, broken):
    top_up = paid()
    at_stripe.account.close_inquiry(dispute=dispute(at_stripe, top_up, inquiry=True))
    heard(client, at_stripe)
    assert (Dispute.objects.get().status, credit_of(top_up.user)) == ("warning_closed", TWENTY)
    assert not Transfer.objects.filter(kind__startswith="dispute").exists()
    assert agree(at_stripe)
    assert broken() == {}


def test_twin_who_believes_the_status_takes_for_an_inquiry(paid, at_stripe, client, monkeypatch):
    """Who takes what is disputed, and not what Stripe's transactions took, takes it for nothing."""
    look = stripe.Stripe.look_at_dispute

    def hasty(self, key):
        said = look(self, key)
        made_up = Movement(id=f"txn_{key}", amount=-said.amount, fee=NOTHING, currency="usd")
        return replace(said, movements=(made_up,))

    monkeypatch.setattr(stripe.Stripe, "look_at_dispute", hasty)
    top_up = paid()
    dispute(at_stripe, top_up, inquiry=True)
    heard(client, at_stripe)
    assert credit_of(top_up.user) == NOTHING
    assert not agree(at_stripe)


# --- in any order, or never -----------------------------------------------------------------------


def test_told_of_before_the_credit_it_is_credited_first(opened, at_stripe, client, broken):
    top_up = opened()
    pay(at_stripe, top_up)
    charge = at_stripe.account.all(kind="charge")[0]["id"]
    at_stripe.account.dispute(charge=charge)
    assert heard(client, at_stripe, "charge.dispute.created") == {200}
    assert (fresh(top_up).status, credit_of(top_up.user)) == ("paid", NOTHING)
    assert heard(client, at_stripe) == {200}
    assert agree(at_stripe)
    assert broken() == {}


def test_events_in_the_wrong_order_change_nothing(paid, at_stripe, client, broken):
    top_up = paid()
    at_stripe.account.win(dispute=dispute(at_stripe, top_up))
    for message in reversed(at_stripe.messages()):
        assert tell(client, message) == 200
    assert (Dispute.objects.get().status, credit_of(top_up.user)) == ("won", TWENTY)
    assert agree(at_stripe)
    assert broken() == {}


def test_without_any_message_the_job_finds_it(paid, at_stripe, broken):
    top_up = paid()
    key = dispute(at_stripe, top_up)
    call_command("settle_disputes")
    assert credit_of(top_up.user) == NOTHING
    at_stripe.account.win(dispute=key)
    Dispute.objects.update(next_look_at=timezone.now())
    call_command("settle_disputes")
    assert credit_of(top_up.user) == TWENTY
    at_stripe.faults.next(call="list_disputes", what="down", times=9)
    with pytest.raises(CommandError):
        call_command("settle_disputes")
    assert agree(at_stripe)
    assert broken() == {}


def test_what_we_cannot_do_is_sent_again(paid, at_stripe, client, broken):
    top_up = paid()
    dispute(at_stripe, top_up)
    (message,) = at_stripe.messages("charge.dispute.funds_withdrawn")
    at_stripe.faults.next(call="retrieve", what="down", times=2)
    assert tell(client, message) == 503
    assert ProcessorEvent.objects.get(event_id=message["id"]).processed_at is None
    assert tell(client, message) == 200
    assert credit_of(top_up.user) == NOTHING
    assert broken() == {}


def test_an_event_is_no_proof(paid, at_stripe, client, broken):
    top_up = paid()
    key = dispute(at_stripe, top_up, inquiry=True)
    said = at_stripe.account.get(key=key, kind="dispute") | {"status": "lost"}
    at_stripe.account.forge(kind="charge.dispute.closed", thing=said)
    assert heard(client, at_stripe) == {200}
    assert credit_of(top_up.user) == TWENTY
    assert broken() == {}


def test_of_another_shop_with_the_same_account(at_stripe, client):
    made = library_at(at_stripe.url).v1.checkout.sessions.create(foreign())
    at_stripe.account.pay(session=made.id)
    at_stripe.account.dispute(charge=at_stripe.account.all(kind="charge")[0]["id"])
    assert heard(client, at_stripe) == {200}
    assert list(settle_all()) == []
    assert not Dispute.objects.exists()
    assert not Transfer.objects.exists()


# --- what cannot be -------------------------------------------------------------------------------


def lie(at_stripe, key, **fields):
    at_stripe.account.lie(key=key, fields=fields)


def movement(at_stripe, key, **changes):
    said = at_stripe.account.get(key=key, kind="dispute")["balance_transactions"]
    return [one | changes for one in said]


@pytest.fixture(params=["payment", "mode", "moved", "took", "gave back"])
def lied(request, paid, at_stripe):
    """A dispute of which Stripe says something that cannot be; and what our guard calls that."""
    top_up, other = paid(), paid()
    key = dispute(at_stripe, top_up)
    lies = {
        "payment": {"payment_intent": other.payment_intent},
        "mode": {"livemode": True},
        "moved": {"balance_transactions": movement(at_stripe, key, currency="eur")},
        "took": {"balance_transactions": movement(at_stripe, key, amount=-2001)},
        "gave back": {"balance_transactions": movement(at_stripe, key, amount=1)},
    }
    if request.param == "payment":
        settle_dispute(key)  # known as the one of its own payment
        Dispute.objects.update(taken=0, fee=0)
        Transfer.objects.filter(kind__startswith="dispute").delete()
        LedgerAccount.objects.filter(owner=top_up.user, kind="wallet").update(balance=TWENTY)
        TopUp.objects.update(disputed_amount=0)
    lie(at_stripe, key, **lies[request.param])
    return top_up, key, request.param


def test_nothing_follows_from_what_cannot_be(lied, at_stripe, broken):
    top_up, key, about = lied
    made = settle_dispute(key)
    assert made.problem.startswith(about)
    assert (made.taken, credit_of(top_up.user)) == (NOTHING, TWENTY)
    assert made.next_look_at
    assert broken() == {}
    lie(at_stripe, key)
    assert settle_dispute(key).problem == ""
    assert credit_of(top_up.user) == NOTHING
    assert agree(at_stripe)
    assert broken() == {}


def test_twin_without_the_comparison_moves_what_never_moved(lied, at_stripe, monkeypatch):
    top_up, key, about = lied
    monkeypatch.setattr(disputes, "_mismatch", lambda top_up, said: "")
    try:
        made = settle_dispute(key)
    except Exception:
        assert about == "gave back"  # the database's own CHECK is left
        return
    assert made.taken
    assert credit_of(top_up.user) < TWENTY


# --- a refund at Stripe's own desk ----------------------------------------------------------------


def test_a_refund_at_the_desk_is_booked_like_a_chargeback(paid, at_stripe, client, broken):
    top_up = paid()
    given = at_stripe.account.refund(charge=top_up.charge, amount=800)["id"]
    for _ in range(2):
        heard(client, at_stripe)
        everybody_asks()
    made = Dispute.objects.get()
    assert (made.kind, made.processor_id, made.taken) == ("desk_refund", given, Decimal("8.00"))
    assert credit_of(top_up.user) == Decimal("12.00")
    assert agree(at_stripe)
    assert broken() == {}
    at_stripe.account.fail_refund(refund=given)
    heard(client, at_stripe)
    assert credit_of(top_up.user) == TWENTY
    assert fresh(top_up).disputed_amount == NOTHING
    assert agree(at_stripe)
    assert broken() == {}


@pytest.fixture
def written_off(paid, at_stripe):
    """What was refunded at the desk had been spent, was written off, and comes back now."""
    top_up, course = paid(), make_course(price_full_course="20.00", sessions=1)
    enroll_full_course(student=top_up.user, course_id=course.pk)
    given = at_stripe.account.refund(charge=top_up.charge)["id"]
    everybody_asks()
    wanted = {"user": top_up.user, "amount": TWENTY, "reason": "Gone", "request_id": uuid4()}
    asked = ask_write_off(**wanted, actor=StaffFactory())
    write_off(write_off_id=asked.pk, actor=StaffFactory())
    at_stripe.account.fail_refund(refund=given)
    return top_up.user


def test_what_fails_after_a_write_off_is_the_platforms(written_off, at_stripe, broken):
    for _ in range(2):
        everybody_asks()
    assert Dispute.objects.get().status == "failed"
    assert (credit_of(written_off), owed_by(written_off)) == (NOTHING, NOTHING)
    assert DebtWriteOff.objects.get().recovered == TWENTY
    assert agree(at_stripe)
    assert broken() == {}


def test_twin_who_gives_it_to_the_debtor_pays_twice(written_off, monkeypatch, broken):
    monkeypatch.setattr(disputes, "recover", lambda *args, **about: NOTHING)
    everybody_asks()
    assert credit_of(written_off) == TWENTY
    assert broken().keys() == {"I17"}


def test_without_a_message_the_job_finds_it_and_that_it_failed(paid, at_stripe, broken):
    top_up = paid()
    given = at_stripe.account.refund(charge=top_up.charge, amount=800)["id"]
    assert list(settle_all()) == [True]
    assert credit_of(top_up.user) == Decimal("12.00")
    at_stripe.account.fail_refund(refund=given)
    everybody_asks()
    assert credit_of(top_up.user) == TWENTY
    assert agree(at_stripe)
    assert broken() == {}


# --- told -----------------------------------------------------------------------------------------


def test_staff_who_may_look_are_told_once_with_the_deadline(paid, at_stripe, client):
    clerk, other = StaffFactory(), StaffFactory(is_superuser=False)
    top_up = paid()
    key = dispute(at_stripe, top_up, inquiry=True)
    for _ in range(2):
        heard(client, at_stripe)
    notice = told(clerk, "dispute_opened")
    due_by = at_stripe.account.get(key=key, kind="dispute")["evidence_details"]["due_by"]
    assert notice.time("due_by").timestamp() == due_by
    assert not was_told(other, "dispute_opened")
    at_stripe.account.escalate(dispute=key)
    heard(client, at_stripe)
    assert was_told(clerk, "dispute_opened") == 2


@pytest.mark.stripe_mock
def test_each_request_of_ours_is_one_that_stripe_knows(paid, at_stripe, stripe_mock):
    top_up = paid()
    before = len(at_stripe.asked())
    dispute(at_stripe, top_up)
    assert list(settle_all()) == [True]
    assert {one["call"] for one in at_stripe.asked()[before:]} == {
        "list_disputes", "list_refunds", "retrieve"
    }  # fmt: skip
    for one in at_stripe.asked()[before:]:
        answer = stripe_mock.ask("GET", one["path"], one["text"])
        assert answer.status_code == 200, answer.text
