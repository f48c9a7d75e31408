"""Staff's forms, sent with what no page of ours has put into their hidden fields and numbers."""

import re
from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User
from common.admin.deciding import Deciding, Decision
from courses.models import Category, Course, CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from notices.models import Mailbox, Notice
from payments.models import (
    DebtWriteOff,
    Dispute,
    Grant,
    PaymentHold,
    TopUp,
    Transfer,
    Withdrawal,
)
from payments.services.debts import ask_write_off
from payments.services.grants import request_grant
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    disputed,
    earn,
    end_session,
    make_course,
    owe,
    student_with_credit,
    top_up_of,
    withdraw,
)

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db]

FORGED = ("", "x", "-1", "9" * 40, "1e999999", "NaN", str(uuid4()), "a\0b")
# What staff type; everything else is as the page has it.
TYPED = {"reason": "Why", "amount": "5.00", "reference": "SEPA 1", "email": ""}
TICKED = re.compile(r'name="part" value="([^"]+)"')


class Fields(HTMLParser):
    """The fields of a page's form; those that are `ours` nobody types, or are numbers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.ours: set[str] = set()
        self.feed(text.partition("<main")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        kind, name = given.get("type"), given.get("name", "")
        if tag == "input" and name and kind not in {"checkbox", "file", "submit", "radio"}:
            self.sent[name] = given.get("value", "")
            if kind in {"hidden", "number"} and name != "csrfmiddlewaretoken":
                self.ours.add(name)


def hold() -> PaymentHold:
    course = make_course(sessions=2)
    bought = enroll_full_course(student=student_with_credit(), course_id=course.pk)
    end_session(course.sessions.first(), ago=DAY)
    return bought.hold


def requested(status: str = "requested") -> Withdrawal:
    teacher = TeacherFactory()
    earn(teacher)
    return withdraw(teacher, status=status)


def grant() -> Grant:
    wanted = {"amount": Decimal(90_000), "reason": "A prize", "request_id": uuid4()}
    return request_grant(user=UserFactory(), actor=StaffFactory(), **wanted)


def write_off() -> DebtWriteOff:
    user = UserFactory()
    owe(user)
    wanted = {"amount": Decimal("5.00"), "reason": "Gone", "request_id": uuid4()}
    return ask_write_off(user=user, actor=StaffFactory(), **wanted)


def dispute() -> Dispute:
    user = UserFactory()
    top_up = top_up_of(user)
    purchase_session(student=user, session_id=make_course().sessions.first().pk)
    return disputed(top_up, "-4.00")


def session() -> CourseSession:
    found = make_course().sessions.first()
    purchase_session(student=student_with_credit(), session_id=found.pk)
    return found


def notice() -> Notice:
    return Notice.objects.create(
        reader=UserFactory(), kind="credit_granted", dedupe_key="one", mail="set_aside"
    )


def mailbox() -> Mailbox:
    user = UserFactory()
    return Mailbox.objects.create(reader=user, stopped_address=user.email)


ROWS: dict[type[Model], Callable[[], Model]] = {
    PaymentHold: hold,
    Withdrawal: requested,
    Grant: grant,
    DebtWriteOff: write_off,
    Dispute: dispute,
    TopUp: lambda: top_up_of(UserFactory()),
    Course: lambda: make_course(published=False, sessions=1),
    CourseSession: session,
    Notice: notice,
    Mailbox: mailbox,
}
SCREENS = [screen for screen in admin.site._registry.values() if isinstance(screen, Deciding)]
DECISIONS = [(screen, one) for screen in SCREENS for one in screen.decisions]


def named(value: object) -> str | None:
    return value.verb if isinstance(value, Decision) else type(value).__name__


@pytest.fixture
def browser(settings) -> Client:
    settings.PAYMENTS, settings.STRIPE_SECRET_KEY = "rehearsal", ""
    browser = Client()
    browser.force_login(StaffFactory())
    return browser


def forge(browser: Client, url: str, sent: dict, names: set[str]) -> None:
    """Send the form again and again, each time with one field forged: it is always answered."""
    for name in sorted(names):
        for value in FORGED:
            answer = browser.post(url, sent | {name: value})
            assert answer.status_code < 500, (name, value)


@pytest.mark.parametrize(
    ("screen", "decision"), [one for one in DECISIONS if one[1].asks], ids=named
)
def test_what_staff_decide(screen, decision, browser, broken):
    url, chosen = screen.address_of(decision), {}
    if decision.key:
        row = requested("approved") if decision.verb == "complete" else ROWS[screen.model]()
        chosen = {decision.key: str(row.pk)}
    page = browser.get(url, chosen).content.decode()
    fields = Fields(page)
    typed = TYPED | {"email": student_with_credit().email}
    filled = {name: typed.get(name.rpartition("-")[2], was) for name, was in fields.sent.items()}
    ticked = {"part": found} if (found := TICKED.findall(page)) else {}
    before = Transfer.objects.count()
    forge(browser, url, filled | typed | chosen | ticked, {*fields.ours, *chosen, *ticked})
    moved = Transfer.objects.count() - before
    # A valid key is a form of its own, with nothing wrong about it.
    assert moved <= ("request_id" in page)
    assert broken() == {}


@pytest.mark.parametrize("screen", [one for one in SCREENS if one.model in ROWS], ids=named)
def test_what_staff_choose_in_lists(screen, browser):
    ROWS[screen.model]()
    url = reverse(screen.name_of("changelist"))
    sent = {"action": screen.decisions[-1].verb, "_selected_action": str(uuid4()), "index": "0"}
    forge(browser, url, sent, {"_selected_action", "index"})


@pytest.mark.parametrize("model", [User, Course, Category])
def test_what_staff_write(model, browser):
    make = {
        User: UserFactory,
        Category: lambda: Category.objects.create(name="Fencing", position=1),
    }
    row = (ROWS | make)[model]()
    names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    for url in (reverse(f"{names}_add"), reverse(f"{names}_change", args=[row.pk])):
        fields = Fields(browser.get(url).content.decode())
        forge(browser, url, fields.sent, {*fields.ours, "_popup"})


def test_no_more_rows_are_made_than_a_course_may_have(browser, settings):
    """Whoever says that a thousand million come."""
    settings.MAX_SESSIONS_PER_COURSE = 5
    course = make_course(published=False, sessions=2)
    for url, there in (
        (reverse("admin:courses_course_add"), 0),
        (reverse("admin:courses_course_change", args=[course.pk]), 2),
    ):
        fields = Fields(browser.get(url).content.decode()).sent
        answer = browser.post(url, fields | {"sessions-TOTAL_FORMS": str(10**9)})
        [made] = answer.context["inline_admin_formsets"]
        assert len(made.formset.forms) == there + 5 + 1
        assert made.formset.non_form_errors() == [f"Please submit at most {there + 5} forms."]
