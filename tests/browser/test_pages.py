"""Every page in the demo world: on a phone and a wide screen, in light and dark."""

from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db.models import F
from django.urls import Resolver404, URLPattern, get_resolver, resolve, reverse
from django.utils.http import urlsafe_base64_encode
from playwright.sync_api import Page, expect

from accounts import links
from accounts.models import User
from accounts.staff_requests import ask
from courses.models import Course, CourseSession
from enrollments.models import CourseEnrollment, SessionPurchase
from notices.choices import way_out
from notices.kinds import Group
from notices.services.choosing import turn_off
from payments.models import HoldPart, PaymentHold, Withdrawal
from tests.browser.doing import fill
from tests.browser.watch import heavy, inaccessible, overflowing
from tests.factories import make_course, top_up_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
NAMESPACES = ("enrollments", "calendars", "teaching", "payments", "accounts", "notices")
# They answer no GET with a page: buttons lead there, or a file comes.
DJANGOS_OWN = {
    name: {"enabled": False}
    for name in ("aria-input-field-name", "aria-prohibited-attr", "empty-table-header")
}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
# A hundred rows take axe seconds, and are made like the first.
SHORTEN = """() => document.querySelectorAll("#result_list tbody tr:nth-child(n + 6)")
  .forEach((row) => row.remove())"""
# Its buttons fade from one colour to the other.
FADED = "() => document.getAnimations().forEach((fading) => fading.finish())"
MISSING = "/no-such-page/"
NO_PAGES = {
    # What the room's script asks for; where links of before lead.
    *(f"enrollments:room_{verb}" for verb in ("pass", "in", "state", "end", "resume", "order")),
    "enrollments:join",
    "accounts:logout",
    "accounts:send_link",
    "accounts:keep_email",
    "teaching:publish",
    "payments:cancel_withdrawal",
    "payments:earnings_csv",
    "teaching:attendance_csv",
    # What search engines and messengers fetch.
    *(f"enrollments:{name}" for name in ("robots", "sitemap", "sitemap_part", "shared_picture")),
    *(f"enrollments:{name}" for name in ("sitemap_of_teachers", "shared_photo")),
    # What calendars fetch, and files; and what redirects.
    "calendars:feed",
    "calendars:session_file",
    "calendars:enrollment_file",
    "calendars:renew_feed",
    "notices:read_all",
    "notices:follow",
    "notices:acknowledge",
}


@pytest.fixture(autouse=True)
def rehearsing(settings: Any) -> None:
    """Credit can be bought, so that the pages for it are there."""
    settings.PAYMENTS = "rehearsal"


def to(name: str, *args: Any, query: str = "") -> str:
    return reverse(name, args=args) + query


def guest_pages() -> Iterator[str]:
    ada = User.objects.get(email="noah@example.com")
    key = urlsafe_base64_encode(str(ada.pk).encode())
    yield to("enrollments:catalogue")
    yield to("enrollments:catalogue", query="?search=nothing+like+it")
    yield to("enrollments:catalogue", query="?level=beginner&order=cheapest&price=25")
    yield to("enrollments:catalogue", query="?search=spansh+on+weekday+evenings")
    yield to("enrollments:course", on_sale().pk)
    yield to("enrollments:teacher", on_sale().teacher_id)
    for name in ("register", "login", "forgot_password", "link_sent"):
        yield to(f"accounts:{name}")
    yield to("accounts:new_password", key, links.password_links.make_token(ada))
    yield to("accounts:new_password", key, "grown-old")
    turn_off(reader_id=ada.pk, group=Group.ANNOUNCEMENTS)
    for group in (Group.REMINDERS, Group.ANNOUNCEMENTS):
        yield way_out(ada.pk, group)
    yield to("accounts:prove_email", links.token_for(ada.pk, ada.email))
    yield to("accounts:prove_email", "grown-old")
    yield to("accounts:choose_zone")
    yield MISSING
    yield to("accounts:logout")


def student_pages() -> Iterator[str]:
    """Those of the student with most to see, and of each course as they see it."""
    student = User.objects.get(email="aisha@example.com")
    yield to("enrollments:catalogue")
    for shelf in ("upcoming", "past", "cancelled"):
        yield to("enrollments:learning", query=f"?show={shelf}")
    yield to("payments:credit")
    yield to("payments:ask_for_top_up")
    yield to("payments:rehearsal", top_up_of(student, play_it="").pk)
    for outcome in ("", "paid"):
        yield to("payments:top_up", top_up_of(student, play_it=outcome).pk)
    yield to("payments:refund", query="?amount=5")
    yield to("notices:notices")
    yield to("notices:emails")
    for course in Course.objects.exclude(status="draft"):
        yield to("enrollments:course", course.pk)
    for hold in PaymentHold.objects.filter(student=student)[:2]:
        yield to("payments:receipt", hold.pk)
    session = HoldPart.objects.filter(hold__student=student).first().session_id
    yield to("enrollments:room", session)
    yield to("enrollments:room_after", session)
    yield to("enrollments:room_check")
    for enrollment in CourseEnrollment.objects.filter(user=student):
        yield to("enrollments:cancel_enrollment", enrollment.pk)
        yield to("enrollments:timeline", enrollment.pk)
    for purchase in SessionPurchase.objects.filter(user=student)[:2]:
        yield to("enrollments:cancel_purchase", purchase.pk)
    yield to("calendars:calendar")
    yield to("accounts:profile")
    yield to("accounts:change_password")
    yield to("accounts:change_email")
    yield to("teaching:courses")


def moved_pages() -> Iterator[str]:
    """Those of a student whose session was moved."""
    part = HoldPart.objects.exclude(sold_starts_at=F("session__starts_at")).filter(
        hold__enrollment__user__email="noah@example.com", status="pending"
    )[0]
    yield to("enrollments:learning")
    yield to("enrollments:course", part.session.course_id)
    yield to("enrollments:hand_back", part.hold.enrollment_id, part.session_id)


def newcomer_pages() -> Iterator[str]:
    """Those of somebody who has credit, and nothing else yet."""
    yield to("enrollments:buy_course", on_sale().pk)
    yield to("enrollments:buy_session", on_sale().sessions.last().pk)
    yield to("enrollments:learning")
    yield to("payments:credit")
    yield to("enrollments:course", on_sale().pk)


def teacher_pages() -> Iterator[str]:
    teacher = User.objects.get(email="james@example.com")
    yield to("teaching:courses")
    yield to("enrollments:teacher", teacher.pk)
    yield to("accounts:introduce")
    yield to("accounts:profile")
    yield to("teaching:create_course")
    for course in Course.objects.filter(teacher=teacher):
        yield to("teaching:course", course.pk)
        yield to("teaching:roster", course.sessions.last().pk)
    course = on_sale(teacher=teacher)
    yield to("enrollments:course", course.pk)
    for name in ("earnings", "withdraw", "withdrawals"):
        yield to(f"payments:{name}")
    for name in (
        "edit_course",
        "archive",
        "add_session",
        "schedule",
        "move_all",
        "copy",
        "attendance",
        "write_about_course",
    ):
        yield to(f"teaching:{name}", course.pk)
    for name in (
        "roster", "edit_session", "cancel_session", "delete_session", "write_about_session"
    ):  # fmt: skip
        yield to(f"teaching:{name}", course.sessions.last().pk)
    draft = make_course(teacher=teacher, sessions=1, published=False)
    yield to("teaching:delete_session", draft.sessions.get().pk)
    for unwanted in (draft, course):
        yield to("teaching:delete_course", unwanted.pk)


def staff_pages() -> Iterator[str]:
    yield to("admin:index")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield to(f"{name}_changelist")
        if row := model._default_manager.last():
            yield to(f"{name}_change", row.pk)
    staff = User.objects.get(email="staff@example.com")
    call_command("check_ledger", stdout=StringIO())
    for what, permission in (("holds", "payments.export_paymenthold"), ("audit", "audit_money")):
        ask(user=staff, what=what, permission=permission, query="status__exact=held")
    yield to("admin:accounts_staffrequest_changelist")
    yield to("admin:payments_audit")
    yield to("admin:payments_ledgeraccount_decide", "grant")
    hold = PaymentHold.objects.filter(status="held").last()
    for verb in ("release", "refund"):
        yield to("admin:payments_paymenthold_decide", verb, query=f"?hold={hold.pk}")
    asked = Withdrawal.objects.filter(status="requested").last()
    for verb in ("approve", "reject"):
        yield to("admin:payments_withdrawal_decide", verb, query=f"?withdrawal={asked.pk}")
    session = CourseSession.objects.filter(status="scheduled").last()
    query = f"?session={session.pk}"
    yield to("admin:courses_coursesession_decide", "cancel_and_refund", query=query)
    noted = HoldPart.objects.filter(reason="missed").last()
    HoldPart.objects.filter(pk=noted.pk).update(review_reason="The student was there by late news.")
    yield to("admin:payments_paymenthold_change", noted.hold_id)
    yield to("admin:payments_paymenthold_decide", "dismiss", query=f"?hold={noted.hold_id}")


def on_sale(**filters: Any) -> Course:
    """A course that can be bought whole and by the session."""
    rows = Course.objects.published().filter(
        price_full_course__isnull=False, price_per_session__isnull=False, max_students__isnull=False
    )
    return rows.filter(**filters).order_by("-created_at")[0]


# Who has most to read comes first, and leaves the end to the others.
READERS = {
    "staff": staff_pages,
    "guest": guest_pages,
    "aisha": student_pages,
    "noah": moved_pages,
    "newcomer": newcomer_pages,
    "james": teacher_pages,
}


@pytest.mark.parametrize("reader", READERS)
def test_every_page_is_good_on_every_screen(world, open_page, reader):
    user = User.objects.filter(email=f"{reader}@example.com").first()
    page = open_page(user, reduced_motion="reduce")
    problems = [
        f"{path} {problem}" for path in READERS[reader]() for problem in examine(page, path)
    ]
    assert not problems, "\n".join(problems)


def examine(page: Page, path: str) -> list[str]:
    show(page, PHONE, "light")
    page.goto(path)
    if view_at(page.url) != view_at(path):
        return [f"leads to {page.url}"]
    if view_at(path).startswith("admin:"):
        return examine_admin(page)
    found = overflowing(page) + heavy(page) + inaccessible(page)
    show(page, DESKTOP, "dark")
    return found + overflowing(page) + inaccessible(page)


def examine_admin(page: Page) -> list[str]:
    """The same, but for what is Django's own: the weight of its scripts, its widgets' marks."""
    page.evaluate(SHORTEN)
    found = overflowing(page) + inaccessible(page, rules=DJANGOS_OWN)
    show(page, DESKTOP, "dark")
    page.evaluate(FADED)
    return found + overflowing(page) + inaccessible(page, runOnly=COLOURS)


def show(page: Page, size: Any, scheme: Any) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)


def view_at(url: str) -> str:
    """The name of what answers there; nothing where nothing does."""
    try:
        return resolve(urlsplit(url).path).view_name
    except Resolver404:
        return ""


REFUSED = (
    ("guest", "accounts:login", {"username": "a@example.com", "password": "wrong"}),
    ("guest", "accounts:register", {"email": "a@example.com", "password": "short"}),
    ("james", "accounts:change_email", {"email": "james", "password": "wrong"}),
    ("james", "accounts:change_password", {"current_password": "wrong", "new_password": "short"}),
    ("james", "teaching:create_course", {"title": "Chess", "price_full_course": "-1"}),
    ("james", "payments:withdraw", {"payout_details": "James, GB12", "password": "wrong"}),
)


def test_what_is_refused_is_good_on_every_screen(world, open_page):
    problems = []
    for reader, name, fields in REFUSED:
        page = open_page(User.objects.filter(email=f"{reader}@example.com").first(), viewport=PHONE)
        page.goto(reverse(name))
        fill(page, **fields)
        page.locator("main form[method=post]").evaluate("form => form.noValidate = true")
        page.locator("main form[method=post] [type=submit]").click()
        expect(page.locator("[aria-invalid=true], [role=alert]").first).to_be_visible()
        page.wait_for_load_state()
        problems += [f"{name} {problem}" for problem in overflowing(page) + inaccessible(page)]
    assert not problems, "\n".join(problems)


def test_no_page_is_forgotten(world):
    visited = {view_at(path) for pages in READERS.values() for path in pages()}
    assert set(names_of_pages()) - visited - NO_PAGES == set()


def names_of_pages() -> Iterator[str]:
    for namespace in NAMESPACES:
        _, resolver = get_resolver().namespace_dict[namespace]
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLPattern):
                yield f"{namespace}:{pattern.name}"
