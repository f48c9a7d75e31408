"""Staff's forms sent at once with one key: a copy does nothing, and another's is refused."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.admin import UserAdmin
from accounts.models import User
from courses.models import Category, Course
from payments.models import DebtWriteOff, Grant, TopUpRefund, Transfer
from payments.services import debts, grants, ledger, refunds
from payments.services.debts import ask_write_off
from payments.services.grants import request_grant, revoke_credit
from payments.services.refunds import request_refund
from tests.concurrency.racing import kinds, race
from tests.factories import (
    StaffFactory,
    UserFactory,
    debtor,
    make_course,
    payer,
    student_with_credit,
)

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

PAGES = {
    "grant": "/admin/payments/ledgeraccount/grant/",
    "revoke": "/admin/payments/ledgeraccount/revoke/",
    "write-off": "/admin/payments/debtwriteoff/decide/ask/",
}


@pytest.fixture(autouse=True)
def _rehearsed(settings):
    settings.PAYMENTS, settings.STRIPE_SECRET_KEY = "rehearsal", ""


# What does it, to whom, and the step between looking for the key and using it.
DEEDS: dict[str, tuple[Callable, Callable, tuple]] = {
    "grant": (request_grant, UserFactory, (grants, "_given_alone")),
    "revoke": (revoke_credit, student_with_credit, (ledger, "_change_at_once")),
    "write-off": (ask_write_off, debtor, (debts, "_refuse_too_much")),
    "refund": (request_refund, payer, (refunds, "_choose")),
}


def send(what, user, key, clerk):
    return partial(
        DEEDS[what][0],
        user=user,
        amount=Decimal("5.00"),
        reason="A slip",
        request_id=key,
        actor=clerk,
    )


def rows():
    return [model.objects.count() for model in (TopUpRefund, Grant, DebtWriteOff, Transfer)]


def done_by(act):
    """How many rows of each kind it adds, and what it gives."""
    before = rows()
    given = act()
    return [now - was for now, was in zip(rows(), before, strict=True)], given


@pytest.mark.parametrize("what", DEEDS)
def test_two_who_use_one_key_at_once_for_different_users(what, meeting, retried, broken):
    """Both have looked for it, and found nothing."""
    _, make, step = DEEDS[what]
    alone, _ = done_by(send(what, make(), uuid4(), StaffFactory()))
    key, users = uuid4(), [make(), make()]
    meeting().after(*step)
    both, outcomes = done_by(lambda: race(*[send(what, u, key, StaffFactory()) for u in users]))
    assert both == alone
    assert kinds(outcomes)["KeyReused"] == 1
    assert {outcome.code for outcome in outcomes if hasattr(outcome, "code")} == {
        "idempotency_key_reused"
    }
    assert retried == []
    assert broken() == {}


@pytest.mark.parametrize("what", DEEDS)
def test_one_form_that_comes_often_at_once_is_answered_alike(what, retried, broken):
    user, clerk = DEEDS[what][1](), StaffFactory()
    outcomes = race(*[send(what, user, uuid4(), clerk)] * 6)
    assert len({outcome.pk for outcome in outcomes}) == 1
    assert retried == []
    assert broken() == {}


@pytest.mark.parametrize("what", ["grant", "write-off", "refund"])
def test_without_the_lock_a_copy_of_the_form_is_refused(what, without_locks, meeting):
    """The race is real: the clerk who pressed twice reads that it was something else."""
    user, clerk = DEEDS[what][1](), StaffFactory()
    meeting().after(*DEEDS[what][2])
    outcomes = race(*[send(what, user, uuid4(), clerk)] * 2)
    assert kinds(outcomes)["KeyReused"] == 1


@pytest.mark.parametrize("what", PAGES)
def test_a_double_click_is_one_deed_and_one_line_in_the_history(what, broken):
    user, clerk, key = DEEDS[what][1](), StaffFactory(), uuid4()
    body = {"email": user.email, "amount": "5.00", "reason": "A slip", "request_id": key}
    browsers = [Client() for _ in range(3)]
    for browser in browsers:
        browser.force_login(clerk)
    answers = race(*[partial(browser.post, PAGES[what], body) for browser in browsers])
    assert [answer.status_code for answer in answers] == [302] * 3
    assert LogEntry.objects.filter(user=clerk).count() == 1
    assert broken() == {}


def test_two_who_add_one_user_add_one(meeting):
    """Both forms found the address free."""
    body = {"email": "new@example.com", "display_name": "New", "usable_password": "false"}
    browsers = [Client() for _ in range(2)]
    for browser in browsers:
        browser.force_login(StaffFactory())
    meeting().before(UserAdmin, "save_model")
    answers = race(*[partial(one.post, "/admin/accounts/user/add/", body) for one in browsers])
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert User.objects.filter(email="new@example.com").count() == 1


def test_two_who_give_one_name_to_two_categories_make_them_one(meeting):
    """Neither found it taken; it is as if one of them had come a moment later."""
    posts = []
    for name in ("Board games", "Card games"):
        make_course(category=name)
        browser = Client()
        browser.force_login(StaffFactory())
        old, _ = Category.objects.get_or_create(name=name)
        change, body = f"/admin/courses/category/{old.pk}/change/", {"name": "Play", "position": 5}
        posts.append(partial(browser.post, change, body))
    meeting().before(Category, "save")
    assert [answer.status_code for answer in race(*posts)] == [302] * 2
    assert Category.objects.filter(name__in=["Play", "Board games", "Card games"]).count() == 1
    assert set(Course.objects.values_list("category", flat=True)) == {"Play"}
