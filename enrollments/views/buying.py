"""Ask before buying, buy once, and say what happened to the money."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.people import signed_in
from common.errors import BY_STATUS, DomainError, NotFound
from common.formats import money
from common.money import ZERO
from courses.models import Course, CourseSession
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyPurchased,
    IncludedInEnrollment,
    PriceChanged,
)
from enrollments.forms import PurchaseForm
from enrollments.models import Booking
from enrollments.quotes import CourseQuote
from enrollments.rows import PartOfMine
from enrollments.rules import CANCEL_IN_TIME
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.shop import offers
from enrollments.shop.course import ShownCourse, course_for
from enrollments.shop.offers import Offer, Reader
from payments.errors import InvalidKey, KeyReused
from payments.idempotency import Answer
from payments.pages import ask_again, submit_once
from payments.wallets import where_to_get

HAVE = {AlreadyEnrolled.code, AlreadyPurchased.code, IncludedInEnrollment.code}
BOUGHT = "You already bought this."
# The page asks again, with a fresh key.
STALE = {PriceChanged.code, KeyReused.code, InvalidKey.code}


@dataclass(frozen=True)
class Row:
    """A session about to be bought, and another that they have at that time.

    `folded` is refunded first for their own single of it.
    """

    session: CourseSession
    amount: Decimal
    folded: Decimal | None
    overlapped: PartOfMine | None


@dataclass(frozen=True)
class Item:
    """What the user is about to buy: a course or one `session` of it, and what prevents it."""

    shown: ShownCourse
    quote: CourseQuote[CourseSession]
    refusal: DomainError | None
    offer: Offer
    reader: Reader
    session: CourseSession | None = None

    @property
    def course(self) -> Course:
        return self.shown.course

    @property
    def balance_after(self) -> Decimal:
        return self.reader.credit - self.quote.to_pay

    @cached_property
    def rows(self) -> list[Row]:
        """Each session, by time."""
        folded = {purchase.session_id: purchase.price_paid for purchase in self.quote.folded}
        by_time, now = sorted(self.quote.shares, key=lambda share: share[0].when), timezone.now()
        return [
            Row(session, amount, folded.get(session.pk), self.shown.overlapped(session, now))
            for session, amount in by_time
        ]

    @property
    def overlapping(self) -> int:
        """How many of them overlap others that the reader has."""
        return sum(row.overlapped is not None for row in self.rows)

    @property
    def url(self) -> str:
        return reverse("enrollments:course", args=[self.course.pk])


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def buy_course(request: HttpRequest, course_id: UUID) -> HttpResponse:
    """Confirm and buy what is still to come of a course."""
    student = signed_in(request)
    act = partial(enroll_full_course, student=student, course_id=course_id)
    return _buy(request, partial(_course_item, student, course_id), act)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def buy_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Confirm and buy one session."""
    student = signed_in(request)
    act = partial(purchase_session, student=student, session_id=session_id)
    return _buy(request, partial(_session_item, student, session_id), act)


def _course_item(student: User, course_id: UUID) -> Item:
    shown, reader = course_for(student, course_id), Reader.of(student)
    offer = offers.course_offer(shown, reader, timezone.now())
    return Item(shown, shown.quote, shown.refusal, offer, reader)


def _session_item(student: User, session_id: UUID) -> Item:
    course_id = CourseSession.objects.filter(pk=session_id).values_list("course_id", flat=True)
    if not (key := course_id.first()):
        raise NotFound
    course, reader = course_for(student, key), Reader.of(student)
    shown = next(found for found in course.sessions if found.session.pk == session_id)
    shares = [(shown.session, course.course.price_per_session or ZERO)]
    quote = CourseQuote(course.course, shares, shown.seats_left)
    offer = offers.session_offer(shown, reader, timezone.now())
    return Item(course, quote, shown.refusal, offer, reader, shown.session)


def _buy(
    request: HttpRequest, find: Callable[[], Item], act: Callable[..., Booking]
) -> HttpResponse:
    item = find()
    if request.method != "POST":
        return _ask(request, item)
    form = PurchaseForm(request.POST)
    if not form.is_valid():
        status = HTTPStatus.BAD_REQUEST
        return _ask(request, item, status, BY_STATUS[status][1])
    expected = form.cleaned_data["expected_price"]
    answer = submit_once(request, partial(act, expected_price=expected), _paid)
    return _tell(request, answer, item, find)


def _paid(booking: Booking) -> dict[str, str]:
    return {"held": str(booking.price), "folded": str(booking.folded_amount)}


def _ask(
    request: HttpRequest, item: Item, status: int = HTTPStatus.OK, problem: str = ""
) -> HttpResponse:
    """The page that asks; if there is nothing to ask, the course with the reason."""
    if not item.offer.buyable:
        reason = str(item.refusal or f"{item.offer.reason}.")
        messages.warning(request, f"{problem} {reason}".strip())
        return redirect(item.url)
    context = {
        "item": item,
        "lines": offers.price_lines(item.quote) if item.session is None else (),
        "problem": problem,
        "cancelling": CANCEL_IN_TIME,
    }
    return render(request, "enrollments/buy.html", context, status=status)


def _tell(
    request: HttpRequest, answer: Answer, item: Item, find: Callable[[], Item]
) -> HttpResponse:
    if answer.outdated:
        return ask_again(request)
    if not answer.refused and not answer.replayed:
        messages.success(request, _what_is_held(answer.body))
        return redirect("enrollments:learning")
    said, code = answer.body.get("message", BOUGHT), answer.body.get("code")
    if not answer.refused or code in HAVE:
        return _have_already(request, item, said)
    if code in STALE:
        return _ask(request, find(), answer.status, said)
    missing = answer.body.get("details", {}).get("missing", "")
    remedy = where_to_get(missing, wanted=request.path)
    context = {"item": item, "code": code, "reason": said, "remedy": remedy}
    return render(request, "enrollments/buy_refused.html", context, status=answer.status)


def _what_is_held(paid: dict[str, str]) -> str:
    """What was taken for it, on top of what was already held."""
    held, folded = Decimal(paid["held"]), Decimal(paid["folded"])
    unpaid = "not yet paid to the teacher"
    if not folded:
        return f"You're in. {money(held)} is held, {unpaid}."
    if held < folded:
        back = money(folded - held)
        return f"You're in. {back} was refunded. {money(held)} stays held, {unpaid}."
    more, already = money(held - folded), money(folded)
    return f"You're in. {more} is held on top of the {already} already held, {unpaid}."


def _have_already(request: HttpRequest, item: Item, said: str) -> HttpResponse:
    learning = reverse("enrollments:learning")
    words = '{} Nothing was charged again. <a href="{}">See My learning</a>'
    messages.info(request, format_html(words, said, learning))
    return redirect(item.url)
