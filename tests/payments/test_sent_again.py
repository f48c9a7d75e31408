"""A form of the staff is sent with the key of another: refused, and it moves nothing."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from payments.errors import KeyReused
from payments.models import DebtWriteOff, Grant, TopUpRefund, Transfer
from payments.services.debts import ask_write_off
from payments.services.grants import request_grant, revoke_credit
from payments.services.refunds import request_refund
from tests.factories import StaffFactory, UserFactory, debtor, payer, student_with_credit, top_up_of

pytestmark = pytest.mark.django_db
SAID = "already sent with different details"
FIVE = Decimal("5.00")


@pytest.fixture(autouse=True)
def rehearsed(settings):
    settings.PAYMENTS, settings.STRIPE_SECRET_KEY = "rehearsal", ""


DEEDS = {
    "refund": (request_refund, payer),
    "grant": (request_grant, UserFactory),
    "revoke": (revoke_credit, student_with_credit),
    "write-off": (ask_write_off, debtor),
}


def rows():
    counted = (TopUpRefund, Grant, DebtWriteOff, Transfer)
    return [model.objects.count() for model in counted]


@pytest.mark.parametrize("what", DEEDS)
def test_with_anothers_key_nothing_is_done(what, broken):
    act, make = DEEDS[what]
    user, other, clerk, colleague = make(), make(), StaffFactory(), StaffFactory()
    first = {"user": user, "amount": FIVE, "reason": "A slip", "request_id": uuid4()}
    made = act(**first, actor=clerk)
    before = rows()
    assert act(**first, actor=clerk) == made
    for change in ({"user": other}, {"amount": FIVE + 1}, {"actor": colleague}):
        with pytest.raises(KeyReused):
            act(**{**first, "actor": clerk} | change)
    assert rows() == before
    assert broken() == {}


def test_a_refund_of_another_top_up_is_another(broken):
    user, clerk = payer(), StaffFactory()
    first, second = top_up_of(user), top_up_of(user)
    wanted = {"user": user, "amount": FIVE, "actor": clerk, "request_id": uuid4()}
    request_refund(**wanted, top_up_id=first.pk)
    with pytest.raises(KeyReused):
        request_refund(**wanted, top_up_id=second.pk)
    assert broken() == {}


def test_the_staff_page_of_refunds_says_so(client):
    user, other, clerk, key = payer(), payer(), StaffFactory(), uuid4()
    client.force_login(clerk)
    for whose in (user, other):
        top_up = whose.top_ups.get()
        page = client.post(
            "/admin/payments/topup/decide/refund/",
            {
                "top_up": top_up.pk,
                f"{top_up.pk}-amount": "5.00",
                f"{top_up.pk}-reason": "A slip",
                f"{top_up.pk}-request_id": key,
            },
            follow=True,
        )
    assert SAID in page.text
    assert TopUpRefund.objects.get().user == user


@pytest.mark.parametrize(
    ("page", "make"),
    [("ledgeraccount/grant", UserFactory), ("ledgeraccount/revoke", student_with_credit),
     ("debtwriteoff/decide/ask", debtor)],
)  # fmt: skip
def test_the_other_staff_pages_say_so(client, page, make):
    client.force_login(StaffFactory())
    body = {"amount": "5.00", "reason": "A slip", "request_id": uuid4()}
    said = [client.post(f"/admin/payments/{page}/", body | {"email": make().email}) for _ in "12"]
    assert (said[0].status_code, SAID in said[1].text) == (302, True)


def test_so_does_the_command_of_the_operator():
    key = str(uuid4())
    first, second = UserFactory(), UserFactory()
    call_command("grant_credit", first.email, "5", "--reason", "x", "--request-id", key)
    with pytest.raises(CommandError, match=SAID):
        call_command("grant_credit", second.email, "5", "--reason", "x", "--request-id", key)
