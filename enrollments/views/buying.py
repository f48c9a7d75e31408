"""Ask before buying, buy once, and say what happened to the money."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any
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
from common.errors import NotFound
from common.formats import money
from courses.models import CourseSession
from enrollments.forms import PurchaseForm
from enrollments.quotes import CourseQuote
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.shop import offers, storefront
from enrollments.shop.offers import Offer, Reader, State
from payments.idempotency import Answer
from payments.pages import ask_again, submit_once

UNSURE = "We could not confirm this. Look at My learning before trying again."
NOT_CHARGED = "You were not charged."
HAVE = {"already_enrolled", "already_purchased", "included_in_enrollment"}
STALE = {"price_changed", "idempotency_key_reused", "invalid_idempotency_key"}
REFUSALS = {
    "sold_out": "The last seat was just taken.",
    "insufficient_credit": "You need ${missing} more credit.",
    "not_found": "This is no longer for sale.",
    "not_for_sale": "This is no longer for sale.",
    "own_course": "You teach this course yourself.",
    "session_started": "The session has started, so it can no longer be bought.",
}
WHY_NOT = {
    State.BOUGHT: "You already bought this.",
    State.ENROLLED: "You already bought this.",
    State.SOLD_OUT: "This is sold out.",
    State.OFF_SALE: "This is no longer for sale.",
    State.OWN: "You teach this course yourself.",
    State.RUNNING: "The session has started, so it can no longer be bought.",
    State.ENDED: "This is over, so it can no longer be bought.",
    State.CANCELLED: "The teacher cancelled this session.",
}


@dataclass(frozen=True)
class Item:
    """What somebody is about to buy: a course, or one `session` of it, and whether they may."""

    course: Any
    quote: CourseQuote
    offer: Offer
    reader: Reader
    session: Any = None

    @property
    def balance_after(self) -> Decimal:
        return self.reader.credit - self.quote.to_pay

    @property
    def shares(self) -> list[tuple[CourseSession, Decimal, Decimal | None]]:
        """Each session with its share, and what the reader's own single gives back first."""
        folded = {purchase.session_id: purchase.price_paid for purchase in self.quote.folded}
        return [(s, amount, folded.get(s.pk)) for s, amount in self.quote.shares]

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
    course, reader = storefront.course_for(student, course_id), Reader.of(student)
    offer = offers.course_offer(course, reader, timezone.now())
    return Item(course, course.quote, offer, reader)


def _session_item(student: User, session_id: UUID) -> Item:
    course_id = CourseSession.objects.filter(pk=session_id).values_list("course_id", flat=True)
    if not (key := course_id.first()):
        raise NotFound
    course, reader = storefront.course_for(student, key), Reader.of(student)
    session = next(found for found in course.listed if found.pk == session_id)
    quote = CourseQuote(course, [(session, course.price_per_session)], session.seats_left)
    offer = offers.session_offer(session, reader, timezone.now())
    return Item(course, quote, offer, reader, session)


def _buy(request: HttpRequest, find: Callable[[], Item], act: Callable[..., Any]) -> HttpResponse:
    item = find()
    if request.method != "POST":
        return _ask(request, item)
    form = PurchaseForm(request.POST)
    if not form.is_valid():
        return _ask(request, item, HTTPStatus.BAD_REQUEST)
    expected = form.cleaned_data["expected_price"]
    answer = submit_once(request, lambda: _paid(act(expected_price=expected)))
    return _tell(request, answer, item, find)


def _paid(booking: Any) -> dict[str, str]:
    return {"held": str(booking.price), "folded": str(booking.folded_amount)}


def _ask(
    request: HttpRequest, item: Item, status: int = HTTPStatus.OK, was: str | None = None
) -> HttpResponse:
    """The page that asks; where there is nothing to ask, the course with the reason."""
    if not item.offer.buyable:
        reason = item.offer.reason or "This is not for sale"
        messages.warning(request, WHY_NOT.get(item.offer.state, f"{reason.rstrip('.')}."))
        return redirect(item.url)
    context = {
        "item": item,
        "lines": offers.price_lines(item.quote) if item.session is None else (),
        "stale": status != HTTPStatus.OK,
        "was": was,
    }
    return render(request, "enrollments/buy.html", context, status=status)


def _tell(
    request: HttpRequest, answer: Answer, item: Item, find: Callable[[], Item]
) -> HttpResponse:
    if answer.outdated:
        return ask_again(request)
    code = answer.body.get("code")
    if (answer.replayed and not answer.refused) or code in HAVE:
        return _have_already(request, item)
    if not answer.refused:
        messages.success(request, _what_is_held(answer.body))
        return redirect("enrollments:learning")
    if code in STALE:
        return _ask(request, find(), answer.status, answer.body["details"].get("expected"))
    return _refuse(request, answer, item)


def _what_is_held(paid: dict[str, str]) -> str:
    """What was taken for it, beside what was held already."""
    held, folded = Decimal(paid["held"]), Decimal(paid["folded"])
    unpaid = "not yet paid to the teacher"
    if not folded:
        return f"You're in. {money(held)} is held, {unpaid}."
    if held < folded:
        back = money(folded - held)
        return f"You're in. {back} is back in your credit. {money(held)} stays held, {unpaid}."
    more, already = money(held - folded), money(folded)
    return f"You're in. {more} is held on top of the {already} already held, {unpaid}."


def _have_already(request: HttpRequest, item: Item) -> HttpResponse:
    learning = reverse("enrollments:learning")
    said = 'You already bought this. Nothing was charged again. <a href="{}">See My learning</a>'
    messages.info(request, format_html(said, learning))
    return redirect(item.url)


def _refuse(request: HttpRequest, answer: Answer, item: Item) -> HttpResponse:
    code, details = answer.body["code"], answer.body["details"]
    known = REFUSALS.get(code)
    context = {
        "item": item,
        "code": code,
        "reason": known.format(**details) if known else UNSURE,
        "not_charged": NOT_CHARGED if known else "",
    }
    return render(request, "enrollments/buy_refused.html", context, status=answer.status)
