"""Show the refund, cancel once, and say what happened to the money."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.people import signed_in
from common.money import total
from courses.models import CourseSession
from enrollments.errors import AlreadyCancelled
from enrollments.forms import CancelForm
from enrollments.learning import previews
from enrollments.models import Booking
from enrollments.quotes import CancellationPreview
from enrollments.rules import Fate
from enrollments.services import enrolling, purchasing
from enrollments.services.lifecycle import Cancellation
from payments import outcomes
from payments.errors import HoldSettled
from payments.idempotency import Answer
from payments.pages import ask_again, submit_once
from payments.wallets import worth_of

# There is nothing left to ask.
GONE = {AlreadyCancelled.code, HoldSettled.code}


@dataclass(frozen=True)
class Leaving:
    """What the user is about to cancel or return, and what they get for it."""

    booking: Booking
    preview: CancellationPreview
    title: str
    template: str
    balance: Decimal

    @property
    def rows(self) -> list[tuple[CourseSession, Decimal, Decimal, str]]:
        """Each session: what was paid, the refund, and why; by time."""
        keys = [part.session_id for part in self.preview.sessions]
        sessions = CourseSession.objects.in_bulk(keys)
        rows = (
            (sessions[part.session_id], part.paid, part.refund, Fate(part.reason).label)
            for part in self.preview.sessions
        )
        return sorted(rows, key=lambda row: row[0].when)

    @property
    def paid(self) -> Decimal:
        return total(part.paid for part in self.preview.sessions)

    @property
    def ends(self) -> bool:
        """Whether nothing that was paid for is left afterwards."""
        back = self.booking.refund_amount + self.preview.refund_amount
        return back == self.booking.price

    @property
    def balance_after(self) -> Decimal:
        return self.balance + self.preview.refund_amount

    @property
    def blocked(self) -> str:
        """Why nothing can be cancelled; empty if it can."""
        return str(self.preview.refusal or "")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_enrollment(request: HttpRequest, enrollment_id: UUID) -> HttpResponse:
    """Confirm and cancel my enrolment in a course."""
    student = signed_in(request)
    act = partial(enrolling.cancel_enrollment, student=student, enrollment_id=enrollment_id)

    def find() -> Leaving:
        booking = enrolling.find_enrollment(student, enrollment_id)
        preview = previews.preview_enrollment(user=student, enrollment_id=enrollment_id)
        return _leaving(student, booking, preview, booking.course.title, "cancel_enrollment")

    return _cancel(request, find, act)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_purchase(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """Confirm and cancel my single session."""
    student = signed_in(request)
    act = partial(purchasing.cancel_session_purchase, student=student, purchase_id=purchase_id)

    def find() -> Leaving:
        booking = purchasing.find_purchase(student, purchase_id)
        preview = previews.preview_purchase(user=student, purchase_id=purchase_id)
        return _leaving(student, booking, preview, str(booking.session.title), "cancel_purchase")

    return _cancel(request, find, act)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hand_back(request: HttpRequest, enrollment_id: UUID, session_id: UUID) -> HttpResponse:
    """Confirm and return a session that changed after the sale."""
    student = signed_in(request)
    act = partial(
        enrolling.hand_back_session,
        student=student,
        enrollment_id=enrollment_id,
        session_id=session_id,
    )

    def find() -> Leaving:
        booking = enrolling.find_enrollment(student, enrollment_id)
        preview = previews.preview_hand_back(
            user=student, enrollment_id=enrollment_id, session_id=session_id
        )
        return _leaving(student, booking, preview, booking.course.title, "hand_back")

    return _cancel(request, find, act)


def _leaving(
    student: User, booking: Booking, preview: CancellationPreview, title: str, page: str
) -> Leaving:
    template = f"enrollments/{page}.html"
    return Leaving(booking, preview, title, template, worth_of(student))


def _cancel(
    request: HttpRequest, find: Callable[[], Leaving], act: Callable[..., Cancellation]
) -> HttpResponse:
    leaving = find()
    if request.method != "POST":
        return _ask(request, leaving, CancelForm())
    form = CancelForm(request.POST)
    if not form.is_valid():
        return _ask(request, leaving, form, HTTPStatus.BAD_REQUEST)
    answer = submit_once(request, partial(act, **form.cleaned_data), _returned)
    return _tell(request, answer, find)


def _returned(done: Cancellation) -> dict[str, str]:
    return {"refund": str(done.refund_amount), "to_debts": str(done.to_debts)}


def _ask(
    request: HttpRequest,
    leaving: Leaving,
    form: CancelForm,
    status: int = HTTPStatus.OK,
    problem: str = "",
) -> HttpResponse:
    context = {"leaving": leaving, "form": form, "problem": problem}
    return render(request, leaving.template, context, status=status)


def _tell(request: HttpRequest, answer: Answer, find: Callable[[], Leaving]) -> HttpResponse:
    if answer.outdated:
        return ask_again(request)
    if not answer.refused:
        _say(request, _came_back(answer.body), twice=answer.replayed)
        return redirect("enrollments:learning")
    if answer.body["code"] in GONE:
        messages.info(request, answer.body["message"])
        return redirect("enrollments:learning")
    return _ask(request, find(), CancelForm(), answer.status, answer.body["message"])


def _came_back(done: dict[str, str]) -> str:
    return outcomes.cancelled(Decimal(done["refund"]), Decimal(done.get("to_debts", "0")))


def _say(request: HttpRequest, done: str, *, twice: bool) -> None:
    if twice:
        messages.info(request, f"You sent this twice; it was only done once. {done}")
    else:
        messages.success(request, done)
