"""What a reader can do about a course and each of its sessions: one word, one button, a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import User
from common.formats import counted, money
from common.money import ZERO
from courses.models import Course, CourseSession
from enrollments.models import EnrollmentStatus
from enrollments.quotes import CourseQuote
from payments.models import HoldPart
from payments.wallets import credit_of


class State(StrEnum):
    OPEN = "open"
    STARTED = "started"
    UPGRADE = "upgrade"
    GUEST = "guest"
    INSUFFICIENT = "insufficient"
    SOLD_OUT = "sold_out"
    BOUGHT = "bought"
    ENROLLED = "enrolled"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"
    OWN = "own"
    DRAFT = "draft"
    ARCHIVED = "archived"
    OFF_SALE = "off_sale"
    NOT_SOLD = "not_sold"
    NO_SESSIONS = "no_sessions"


ONLY_YOU = "Only you and our staff see this page until you publish it."
BUYABLE = {State.OPEN, State.STARTED, State.UPGRADE}


@dataclass(frozen=True)
class Offer:
    """A badge, and at most one thing to do; a label without a URL is a button that is disabled.

    `reason` stands beneath, and leads to `reason_url` where there is one. `changed` is the reader's
    part of a session whose start or length was another when it was sold.
    """

    state: State
    badge: str = ""
    tone: str = ""
    label: str = ""
    url: str = ""
    reason: str = ""
    reason_url: str = ""
    changed: HoldPart | None = None

    @property
    def buyable(self) -> bool:
        return self.state in BUYABLE


_OFF_SALE = Offer(State.OFF_SALE, badge="No longer for sale", reason="What was bought stays valid.")


@dataclass(frozen=True)
class Reader:
    """Who looks, if we know them, and what they have to spend, in credits."""

    user: User | None = None
    credit: Decimal = ZERO

    @classmethod
    def of(cls, user: User | None) -> "Reader":
        """The user with their balance; nobody is a guest."""
        return cls(user, credit_of(user)) if user else cls()

    def teaches(self, course: Course) -> bool:
        return self.user is not None and course.teacher_id == self.user.pk


def course_offer(course: Any, reader: Reader, now: datetime) -> Offer:
    """The whole of a course from `storefront.course_for`, as its reader may have it."""
    if reader.teaches(course):
        return _own(course)
    if course.my_enrollment:
        return _enrolled(course.my_enrollment, course.listed, now)
    if not course.is_on_sale:
        return _not_on_sale(course)
    if all(session.status == CourseSession.Status.CANCELLED for session in course.listed):
        return Offer(State.NO_SESSIONS, reason="No sessions scheduled yet")
    if not course.quote.shares:
        return Offer(
            State.ENDED, badge="Ended", reason="Every session of this course is over or cancelled."
        )
    if course.price_full_course is None:
        return Offer(State.NOT_SOLD, reason="Sold by the session only: choose those that you need.")
    if course.seats_left == 0:
        return Offer(State.SOLD_OUT, badge="Sold out")
    return _course_for_sale(course.quote, reader)


def session_offer(session: Any, reader: Reader, now: datetime) -> Offer:
    """A session of a course from `storefront.course_for`, as its reader may have it."""
    if session.status == CourseSession.Status.CANCELLED:
        return _called_off(session.my_part)
    if now >= session.ends_at or session.status == CourseSession.Status.COMPLETED:
        return Offer(State.ENDED, badge="Ended")
    if session.has_started(now):
        return _running(session)
    if reader.teaches(session.course):
        return _manage(session.course)
    if session.my_part and session.my_part.status == HoldPart.Status.PENDING:
        return _held(session, session.my_part)
    return _session_for_sale(session, reader)


def price_lines(quote: CourseQuote) -> Sequence[tuple[str, Decimal]]:
    """The sum that makes what is to pay for a course; none where it is the full price."""
    full = quote.course.price_full_course or ZERO
    if quote.to_pay == full:
        return ()
    over, folded = quote.sessions_count - len(quote.shares), len(quote.folded)
    lines = [(f"Full course, {counted(quote.sessions_count, 'session')}", full)]
    if over:
        lines.append((f"{counted(over, 'session')} started or cancelled", quote.price - full))
    if folded:
        lines.append((f"{counted(folded, 'session')} you hold already", -quote.folded_amount))
    return lines


def _own(course: Course) -> Offer:
    if course.status == Course.Status.PUBLISHED and not course.is_on_sale:
        return replace(_OFF_SALE, state=State.OWN)
    reason = ONLY_YOU if course.status == Course.Status.DRAFT else ""
    return replace(_manage(course), badge=course.get_status_display(), reason=reason)


def _manage(course: Course) -> Offer:
    """The teacher's own; the pages to manage it are closed to who is no longer a teacher."""
    if not course.teacher.is_active_teacher:
        return Offer(State.OWN)
    return Offer(State.OWN, label="Manage", url=reverse("teaching:course", args=[course.pk]))


def _enrolled(enrollment: Any, sessions: Sequence[Any], now: datetime) -> Offer:
    if enrollment.status == EnrollmentStatus.COMPLETED:
        return Offer(State.ENROLLED, badge="Completed", tone="good")
    offer = Offer(State.ENROLLED, badge="You're enrolled", tone="good")
    held = [s for s in sessions if s.my_part and s.my_part.status == HoldPart.Status.PENDING]
    # Where all is over, cancelling costs what is left and gives nothing.
    if not any(session.lasts(now) for session in held):
        return offer
    return replace(
        offer,
        label="Cancel enrolment",
        url=reverse("enrollments:cancel_enrollment", args=[enrollment.pk]),
    )


def _not_on_sale(course: Course) -> Offer:
    if course.status == Course.Status.DRAFT:
        return Offer(State.DRAFT, badge="Draft", reason="Only its teacher and staff see this page.")
    if course.status == Course.Status.PUBLISHED:
        return _OFF_SALE
    reason = "This course is no longer sold. What was bought stays valid."
    return Offer(State.ARCHIVED, badge="Archived", reason=reason)


def _course_for_sale(quote: CourseQuote, reader: Reader) -> Offer:
    state, label = State.OPEN, f"Buy full course · {money(quote.price)}"
    if quote.price != quote.course.price_full_course:
        state = State.STARTED
    if quote.folded:
        state, held = State.UPGRADE, f"({money(quote.folded_amount)} already held)"
        to_pay = money(quote.to_pay) if quote.to_pay >= 0 else f"{money(-quote.to_pay)} comes back"
        label = f"Upgrade · {to_pay} {held}"
    url = reverse("enrollments:buy_course", args=[quote.course.pk])
    return _to_buy(Offer(state, label=label, url=url), quote.course, quote.to_pay, reader)


def _session_for_sale(session: Any, reader: Reader) -> Offer:
    course, price = session.course, session.course.price_per_session
    if not course.is_on_sale:
        return Offer(State.NOT_SOLD)
    if price is None:
        return Offer(State.NOT_SOLD, reason="Sold with the full course only")
    if session.seats_left == 0:
        return Offer(State.SOLD_OUT, badge="Sold out")
    url = reverse("enrollments:buy_session", args=[session.pk])
    offer = Offer(State.OPEN, label=f"Buy session · {money(price)}", url=url)
    return _to_buy(offer, course, price, reader)


def _to_buy(offer: Offer, course: Course, to_pay: Decimal, reader: Reader) -> Offer:
    """What is for sale, to a reader who may be a guest or short of credit."""
    if reader.user is None:
        back = urlencode({"next": reverse("enrollments:course", args=[course.pk])})
        login = f"{reverse('accounts:login')}?{back}"
        return Offer(State.GUEST, label="Log in to buy", url=login)
    if to_pay > reader.credit:
        return replace(
            offer,
            state=State.INSUFFICIENT,
            url="",
            reason=f"You need {money(to_pay - reader.credit)} more credit",
            reason_url=reverse("payments:credit"),
        )
    return offer


def _called_off(part: HoldPart | None) -> Offer:
    badge = "Cancelled by the teacher"
    if part and part.reason == HoldPart.Reason.SESSION_CANCELLED and part.amount:
        badge = f"{badge} · refunded"
    return Offer(State.CANCELLED, badge=badge, tone="bad")


def _running(session: Any) -> Offer:
    offer = Offer(State.RUNNING, badge="Running now", tone="good")
    if session.my_access is None or not session.my_access.has_access:
        return offer
    url = reverse("enrollments:join", args=[session.pk])
    return replace(offer, label="Join", url=url)


def _held(session: Any, part: HoldPart) -> Offer:
    as_sold = part.is_as_sold(session.starts_at, session.duration_minutes)
    changed = None if as_sold else part
    if part.hold.session_purchase_id:
        url = reverse("enrollments:cancel_purchase", args=[part.hold.session_purchase_id])
        label, badge = "Cancel", "You have this session"
        return Offer(State.BOUGHT, badge, "good", label, url, changed=changed)
    badge = "Included in your course"
    if as_sold:
        return Offer(State.ENROLLED, badge, "info")
    url = reverse("enrollments:hand_back", args=[part.hold.enrollment_id, session.pk])
    return Offer(State.ENROLLED, badge, "info", "Return for a refund", url, changed=changed)
