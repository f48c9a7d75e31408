"""Whoever owes has no credit, and what comes in pays the debt first, whatever it is."""

from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session
from payments.errors import (
    InDebt,
    InsufficientCredit,
    LessOwed,
    OwnDebt,
    StillDisputed,
    WriteOffDecided,
)
from payments.models import DebtWriteOff, Dispute, LedgerAccount, Transfer, Withdrawal
from payments.models.disputes import DisputeQuerySet
from payments.services.debts import ask_write_off, refuse_write_off, write_off
from payments.services.grants import grant_credit
from payments.services.withdrawals import approve_withdrawal, complete_withdrawal
from payments.wallets import standing_of, worth_of
from settlement.services.deciding import refund_hold
from tests.api.conftest import client_of
from tests.factories import (
    StaffFactory,
    UserFactory,
    disputed,
    earn,
    make_course,
    owe,
    student_with_credit,
    top_up_of,
    withdraw,
)
from tests.telling import was_told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_are_clean")]


def amount(text: str) -> Decimal:
    return Decimal(text)


@pytest.fixture
def debtor():
    """Who owes 15.00 and holds two more things: a course for 100.00 and a session for 16.00."""
    user = student_with_credit("116.00")
    course = make_course(sessions=2)
    user.course = enroll_full_course(student=user, course_id=course.pk)
    user.other = make_course(sessions=2)
    user.session = purchase_session(student=user, session_id=user.other.sessions.first().pk)
    owe(user, "15.00")
    return user


def stands(user) -> tuple[str, str]:
    found = standing_of(user)
    return str(found.credit), str(found.owed)


def grant(user, credits_: str) -> Transfer:
    return grant_credit(user=user, amount=amount(credits_), reason="Sorry", request_id=uuid4())


def test_what_is_spent_already_is_owed():
    user = UserFactory()
    top_up = top_up_of(user, "20.00")
    disputed(top_up, "-20.00")
    assert stands(user) == ("0.00", "0.00")
    disputed(top_up, "-20.00", "20.00")
    assert stands(user) == ("20.00", "0.00")
    course = make_course(sessions=1, price_per_session="12.00")
    purchase_session(student=user, session_id=course.sessions.get().pk)
    disputed(top_up, "-20.00", "20.00", "-20.00")
    assert stands(user) == ("0.00", "12.00")
    key = f"dispute:{top_up.pk}:2"
    moved = Transfer.objects.of_event(key).order_by("dedupe_key")
    assert [(t.dedupe_key, t.amount, t.debtor) for t in moved] == [
        (key, amount("8.00"), None),
        (f"{key}:debt", amount("12.00"), user),
    ]
    assert Transfer.objects.total_of(key) == amount("20.00")
    disputed(top_up, "-20.00", "20.00", "-20.00", "20.00")
    assert stands(user) == ("8.00", "0.00")


COMES_IN: dict[str, tuple[Callable, str]] = {
    "top-up": (lambda user: top_up_of(user, "20.00"), "20.00"),
    "grant": (lambda user: grant(user, "20.00"), "20.00"),
    "cancelled enrolment": (
        lambda user: cancel_enrollment(student=user, enrollment_id=user.course.pk),
        "100.00",
    ),
    "cancelled session": (
        lambda user: cancel_session_purchase(student=user, purchase_id=user.session.pk),
        "16.00",
    ),
    "called off": (
        lambda user: cancel_session(session_id=user.session.session_id, actor=user.other.teacher),
        "16.00",
    ),
    "staff": (
        lambda user: refund_hold(
            hold_id=user.session.hold.pk,
            actor=StaffFactory(),
            reason="A complaint",
            part_ids=list(user.session.hold.parts.values_list("pk", flat=True)),
        ),
        "16.00",
    ),
}


@pytest.mark.parametrize("what", COMES_IN)
def test_what_comes_in_pays_the_debt_first(debtor, what):
    act, comes = COMES_IN[what]
    act(debtor)
    assert stands(debtor) == (str(amount(comes) - 15), "0.00")
    [paid] = Transfer.objects.filter(debtor=debtor, credit_account__kind="debts")
    assert (paid.amount, paid.dedupe_key[-5:]) == (amount("15.00"), ":debt")
    assert was_told(debtor, "debt_paid")


def test_less_than_is_owed_leaves_the_rest(debtor):
    grant(debtor, "10.00")
    assert stands(debtor) == ("0.00", "5.00")
    assert Transfer.objects.get(debtor=debtor, kind="grant").dedupe_key.count(":") == 1
    grant(debtor, "10.00")
    assert stands(debtor) == ("5.00", "0.00")


def test_a_grant_that_a_debt_takes_is_made_once(debtor):
    key = uuid4()
    for _ in range(2):
        made = grant_credit(user=debtor, amount=amount("20.00"), reason="Sorry", request_id=key)
    assert Transfer.objects.total_of(made.dedupe_key) == amount("20.00")
    assert stands(debtor) == ("5.00", "0.00")


def test_folded_singles_pay_it_before_the_course(debtor):
    """The single's 16.00 pay 15.00, and 1.00 is left for the course at 100.00."""
    buy = {"student": debtor, "course_id": debtor.other.pk}
    with pytest.raises(InsufficientCredit) as refused:
        enroll_full_course(**buy)
    assert refused.value.details == {
        "required": "100.00",
        "available": "1.00",
        "missing": "99.00",
        "owed": "15.00",
    }
    assert stands(debtor) == ("0.00", "15.00")
    # All of the top-up pays the debt first, and the single then is credit.
    top_up_of(debtor, "99.00")
    enroll_full_course(**buy)
    assert stands(debtor) == ("0.00", "0.00")


def test_who_owes_buys_nothing_and_is_told_how_much(debtor):
    session = make_course(sessions=1).sessions.get()
    answer = client_of(debtor).post(f"/api/enrollments/sessions/{session.pk}/purchase")
    assert answer.status_code == 402
    assert answer.json()["details"] == {
        "required": "16.00", "available": "0.00", "missing": "31.00", "owed": "15.00",
    }  # fmt: skip
    assert answer.json()["message"] == "You need $31.00 more credit."


def test_api_and_pages_say_it(debtor, client):
    api = client_of(debtor)
    assert api.get("/api/payments/wallet").json()["owed"] == "15.00"
    assert api.get("/api/auth/me").json()["owed"] == "15.00"
    newest = api.get("/api/payments/transfers").json()[0]
    assert (newest["kind"], newest["account"], newest["amount"]) == ("dispute", "debts", "-15.00")
    client.force_login(debtor)
    page = client.get("/credit/").text
    assert "You owe" in page
    assert "-$15.00" in page
    assert "Added to what you owe" in page
    whole = make_course(sessions=1, price_per_session=None)
    course = client.get(f"/courses/{whole.pk}/").text
    assert "$115.00 more credit, $15.00 of it owed" in course
    assert '<dt>You owe</dt><dd><a href="/credit/">$15.00</a></dd>' in course
    assert worth_of(debtor) == amount("-15.00")
    assert was_told(debtor, "credit_owed")


def test_an_upgrade_says_how_much_of_it_is_owed(client):
    user = student_with_credit("60.00")
    course = make_course(sessions=2, price_per_session="60.00", price_full_course="70.00")
    purchase_session(student=user, session_id=course.sessions.first().pk)
    owe(user, "15.00")
    client.force_login(user)
    page = client.get(f"/courses/{course.pk}/").text
    assert "$25.00 more credit, $15.00 of it owed" in page


def test_who_owes_withdraws_nothing(client):
    teacher = UserFactory(is_teacher=True)
    earn(teacher, "50.00")
    before, approved = withdraw(teacher), withdraw(teacher, status="approved")
    owe(teacher, "15.00")
    staff = StaffFactory()
    with pytest.raises(InDebt):
        withdraw(teacher)
    with pytest.raises(InDebt):
        approve_withdrawal(withdrawal_id=before.pk, actor=staff)
    # The bank has paid that one.
    complete_withdrawal(withdrawal_id=approved.pk, actor=staff, reference="SEPA 1")
    assert Withdrawal.objects.get(pk=before.pk).status == "requested"
    top_up_of(teacher, "15.00")
    approve_withdrawal(withdrawal_id=before.pk, actor=staff)


def test_the_database_knows_nobody_who_owes_and_has_credit(debtor):
    wallet = LedgerAccount.objects.filter(owner=debtor, kind="wallet")
    earnings = LedgerAccount.objects.filter(owner=debtor, kind="earnings")
    for rows, wrong in ((wallet, {"balance": 1}), (wallet, {"owed": -1}), (earnings, {"owed": 1})):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)


# --- written off -----------------------------------------------------------------------------


def ask(debtor, actor, wanted_off="15.00", **more):
    wanted = {"reason": "Gone", "request_id": uuid4()} | more
    return ask_write_off(user=debtor, amount=amount(wanted_off), actor=actor, **wanted)


def test_two_people_write_a_debt_off(debtor):
    clerk, other = StaffFactory(), StaffFactory()
    key = uuid4()
    made = ask(debtor, clerk, request_id=key)
    assert ask(debtor, clerk, request_id=key) == made
    assert stands(debtor) == ("0.00", "15.00")
    for nobody in (clerk, debtor):
        nobody.is_superuser = True
        with pytest.raises(OwnDebt):
            write_off(write_off_id=made.pk, actor=nobody)
    write_off(write_off_id=made.pk, actor=other)
    assert stands(debtor) == ("0.00", "0.00")
    moved = Transfer.objects.get(kind="write_off")
    assert (moved.debit_account.kind, moved.credit_account.kind) == ("platform", "debts")
    assert (moved.actor, moved.note, moved.amount) == (other, "Gone", amount("15.00"))
    with pytest.raises(WriteOffDecided):
        write_off(write_off_id=made.pk, actor=other)
    assert was_told(debtor, "debt_paid")


def test_nothing_more_than_is_owed_is_written_off(debtor):
    clerk, other = StaffFactory(), StaffFactory()
    with pytest.raises(LessOwed):
        ask(debtor, clerk, "15.01")
    made = ask(debtor, clerk)
    grant(debtor, "1.00")
    with pytest.raises(LessOwed):
        write_off(write_off_id=made.pk, actor=other)
    assert DebtWriteOff.objects.get().status == "asked"
    refuse_write_off(write_off_id=made.pk, actor=other)
    with pytest.raises(WriteOffDecided):
        write_off(write_off_id=made.pk, actor=other)
    assert stands(debtor) == ("0.00", "14.00")


@pytest.fixture
def disputing():
    """Who spent 20.00, which a bank has taken back and still decides on."""
    user = UserFactory()
    top_up = top_up_of(user, "20.00")
    course = make_course(sessions=1, price_per_session="20.00")
    purchase_session(student=user, session_id=course.sessions.get().pk)
    disputed(top_up, "-20.00")
    return user, top_up


def test_what_a_bank_may_give_back_is_not_written_off(disputing):
    user, top_up = disputing
    clerk, other = StaffFactory(), StaffFactory()
    with pytest.raises(StillDisputed) as refused:
        ask(user, clerk, "20.00")
    assert refused.value.details == {"lost": "0.00"}
    disputed(top_up, "-20.00", status="lost")
    write_off(write_off_id=ask(user, clerk, "20.00").pk, actor=other)
    assert stands(user) == ("0.00", "0.00")


def test_asked_for_before_the_dispute_it_waits_for_the_bank(debtor):
    made = ask(debtor, StaffFactory())
    Dispute.objects.update(status="under_review", next_look_at=timezone.now())
    with pytest.raises(StillDisputed):
        write_off(write_off_id=made.pk, actor=StaffFactory())
    assert DebtWriteOff.objects.get().status == "asked"


def give_up(user, off: str) -> DebtWriteOff:
    return write_off(write_off_id=ask(user, StaffFactory(), off).pk, actor=StaffFactory())


def platform() -> str:
    """What the platform has, less what it gave."""
    account = LedgerAccount.objects.get(kind="platform")
    got, gave = (sum(t.amount for t in way.all()) for way in (account.credits, account.debits))
    return str(got - gave)


@pytest.mark.parametrize(
    ("off", "back", "credit", "owed", "cost"),
    [
        ("20.00", "20.00", "0.00", "0.00", "0.00"),
        ("20.00", "12.00", "0.00", "0.00", "-8.00"),
        ("5.00", "20.00", "0.00", "0.00", "0.00"),
        ("5.00", "18.00", "0.00", "2.00", "0.00"),
    ],
)
def test_what_comes_back_of_it_after_all_is_the_platforms(disputing, off, back, credit, owed, cost):
    user, top_up = disputing
    disputed(top_up, "-20.00", status="lost")
    give_up(user, off)
    for _ in range(2):
        disputed(top_up, "-20.00", back, status="won")
    assert stands(user) == (credit, owed)
    assert platform() == cost


@pytest.mark.parametrize("heard", [[["-30.00"], ["-30.00", "30.00"]], [["-30.00", "30.00"]]])
def test_what_was_taken_after_it_comes_back_to_its_payer(disputing, heard):
    """Heard of step by step, or all at once."""
    user, top_up = disputing
    disputed(top_up, "-20.00", status="lost")
    give_up(user, "20.00")
    later = top_up_of(user, "30.00")
    for moved in heard:
        disputed(later, *moved)
    assert (stands(user), platform()) == (("30.00", "0.00"), "-20.00")


def test_written_off_too_early_what_is_won_is_the_platforms(disputing, monkeypatch):
    monkeypatch.setattr(DisputeQuerySet, "with_a_bank", lambda rows, user_id: 0)
    user, top_up = disputing
    give_up(user, "20.00")
    disputed(top_up, "-20.00", "20.00")
    assert (stands(user), platform()) == (("0.00", "0.00"), "0.00")
    assert standing_of(user).held == 20


def test_on_the_staff_screen(debtor, client):
    clerk, other = StaffFactory(), StaffFactory()
    client.force_login(clerk)
    at = "/admin/payments/debtwriteoff/decide/"
    asked = {"email": debtor.email, "amount": "15.00", "reason": "Gone", "request_id": uuid4()}
    assert "Nothing moves yet" in client.get(f"{at}ask/").text
    assert client.post(f"{at}ask/", asked).status_code == 302
    made = DebtWriteOff.objects.get()
    own = client.get(f"{at}approve/", {"write_off": made.pk}).text
    assert "someone else on the staff has to decide" in own
    client.force_login(other)
    assert f"{debtor} owes $15.00 now." in client.get(f"{at}approve/", {"write_off": made.pk}).text
    client.post(f"{at}approve/", {"write_off": made.pk})
    assert stands(debtor) == ("0.00", "0.00")
    assert "written off</span>" in client.get("/admin/payments/debtwriteoff/").text


def test_staff_see_before_that_less_is_owed_by_now(debtor, client):
    made = ask(debtor, StaffFactory())
    grant(debtor, "1.00")
    client.force_login(StaffFactory())
    at, key = "/admin/payments/debtwriteoff/decide/", {"write_off": made.pk}
    page = client.get(f"{at}approve/", key).text
    assert "Only $14.00 is owed." in page
    assert 'value="Write off"' not in page
    assert 'value="Refuse"' in client.get(f"{at}refuse/", key).text
