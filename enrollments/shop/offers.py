"""What a reader can do about a course and each of its sessions: a word, a button, a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import User
from common.formats import counted, money
from common.money import ZERO
from courses.models import Course, CourseSession
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyPurchased,
    IncludedInEnrollment,
    NotForSale,
    OwnCourse,
    SoldOut,
    Unsold,
)
from enrollments.models import CourseEnrollment, EnrollmentStatus
from enrollments.quotes import CourseQuote
from enrollments.rows import PartOfMine
from enrollments.shop.course import ShownCourse, ShownSession
from payments.models import HoldPart
from payments.wallets import where_to_get, worth_of


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
    DEARER = "dearer"
    NO_SESSIONS = "no_sessions"


ONLY_YOU = "Only you and our staff can see this page until you publish it."
BUYABLE = {State.OPEN, State.STARTED, State.UPGRADE}


@dataclass(frozen=True)
class Offer:
    """A badge, and at most one thing to do; a label without a URL is a disabled button.

    `reason` is shown beneath, with a link to its `remedy`, if there is one: its address and words.
    `changed` is the reader's part of a session that was sold with another start or length,
    `overlapped` another that they have at that time, `door` where its room is, while that is open
    to the reader before the start.
    """

    state: State
    badge: str = ""
    tone: str = ""
    label: str = ""
    url: str = ""
    reason: str = ""
    remedy: tuple[str, str] | None = None
    changed: HoldPart | None = None
    overlapped: PartOfMine | None = None
    door: str = ""

    @property
    def buyable(self) -> bool:
        return self.state in BUYABLE


SOLD_OUT = Offer(State.SOLD_OUT, badge="Sold out")
ENDED = Offer(State.ENDED, badge="Ended")
_OFF_SALE = Offer(
    State.OFF_SALE, badge="No longer for sale", reason="Existing bookings stay valid."
)
_UNSOLD = {
    Unsold.DRAFT: Offer(
        State.DRAFT, badge="Draft", reason="Only its teacher and our staff can see this page."
    ),
    Unsold.ARCHIVED: Offer(
        State.ARCHIVED,
        badge="Archived",
        reason="This course is no longer for sale. Existing bookings stay valid.",
    ),
    Unsold.TEACHER_GONE: _OFF_SALE,
    Unsold.OVER: replace(ENDED, reason="Every session of this course is over or cancelled."),
    Unsold.NOT_WHOLE: Offer(
        State.NOT_SOLD, reason="Sold by the session: choose the ones you need."
    ),
    Unsold.NOT_SINGLY: Offer(State.NOT_SOLD, reason="Sold with the full course only"),
}
_CHEAPER_WHOLE = Offer(State.DEARER, reason="Buy the full course: it costs no more")
_NO_SESSIONS = Offer(State.NO_SESSIONS, reason="No sessions scheduled yet")


@dataclass(frozen=True)
class Reader:
    """The reader, if we know them, and what they can spend, in credits; below zero, if they owe."""

    user: User | None = None
    credit: Decimal = ZERO

    @classmethod
    def of(cls, user: User | None) -> "Reader":
        """The user with their balance; None is a guest."""
        return cls(user, worth_of(user)) if user else cls()

    @property
    def owed(self) -> Decimal:
        return max(-self.credit, ZERO)


def course_offer(shown: ShownCourse, reader: Reader, now: datetime) -> Offer:
    """What a reader can do about the full course."""
    match shown.refusal:
        case None if shown.quote.is_dearer_whole:
            return _cheaper_singly(shown.quote)
        case None:
            return _course_for_sale(shown.quote, reader)
        case OwnCourse():
            return _own(shown.course)
        case AlreadyEnrolled() if shown.my_enrollment:
            return _enrolled(shown.my_enrollment, shown.sessions, now)
        case SoldOut():
            return SOLD_OUT
        case NotForSale(why=Unsold.OVER) if not _was_ever_scheduled(shown):
            return _NO_SESSIONS
        case NotForSale(why=Unsold() as why):
            return _UNSOLD[why]
    return Offer(State.NOT_SOLD, reason=str(shown.refusal))


def session_offer(shown: ShownSession, reader: Reader, now: datetime) -> Offer:
    """What a reader can do about a session."""
    session = shown.session
    if session.status == CourseSession.Status.CANCELLED:
        return _called_off(shown.my_part)
    if now >= session.ends_at or session.status == CourseSession.Status.COMPLETED:
        return ENDED
    if session.has_started(now):
        return _running(shown)
    offer = _session_to_come(shown, reader)
    return replace(offer, door=_door(shown)) if session.opens_at <= now else offer


def said_once(course: Offer, sessions: Sequence[Offer]) -> tuple[Offer | None, list[Offer]]:
    """The offers of a page's sessions, none of which says what goes for all of them.

    Before them the one that says that credit is missing, unless the offer of their course does.
    """
    short = [offer for offer in sessions if offer.state == State.INSUFFICIENT]
    for_all = (State.INSUFFICIENT, State.DEARER)
    quiet = [
        replace(one, reason="", remedy=None) if one.state in for_all else one for one in sessions
    ]
    said = course.state == State.INSUFFICIENT or not short
    return None if said else short[0], quiet


def _session_to_come(shown: ShownSession, reader: Reader) -> Offer:
    session = shown.session
    match shown.refusal:
        case None if shown.is_dearer:
            return _CHEAPER_WHOLE
        case None:
            return _session_for_sale(session, reader)
        case OwnCourse():
            return _manage(session.course)
        case AlreadyPurchased() | IncludedInEnrollment() if shown.my_part:
            return _held(session, shown.my_part)
        case SoldOut():
            return SOLD_OUT
        case NotForSale(why=Unsold.NOT_SINGLY):
            return _UNSOLD[Unsold.NOT_SINGLY]
        case NotForSale():
            # The course says why.
            return Offer(State.NOT_SOLD)
    return Offer(State.NOT_SOLD, reason=str(shown.refusal))


def price_lines(quote: CourseQuote[CourseSession]) -> Sequence[tuple[str, Decimal]]:
    """The calculation of what is to pay for a course; none if it is the full price."""
    full = quote.course.price_full_course or ZERO
    if quote.to_pay == full:
        return ()
    over, folded = quote.sessions_count - len(quote.shares), len(quote.folded)
    lines = [(f"Full course, {counted(quote.sessions_count, 'session')}", full)]
    if over:
        lines.append((f"{counted(over, 'session')} started or cancelled", quote.price - full))
    if folded:
        lines.append((f"{counted(folded, 'session')} you already hold", -quote.folded_amount))
    return lines


def _own(course: Course) -> Offer:
    if course.status == Course.Status.PUBLISHED and not course.is_on_sale:
        return replace(_OFF_SALE, state=State.OWN)
    reason = ONLY_YOU if course.status == Course.Status.DRAFT else ""
    return replace(_manage(course), badge=course.get_status_display(), reason=reason)


def _manage(course: Course) -> Offer:
    """The teacher's own course; its pages are closed to people who are no longer teachers."""
    if not course.teacher.is_active_teacher:
        return Offer(State.OWN)
    return Offer(State.OWN, label="Manage", url=reverse("teaching:course", args=[course.pk]))


def _enrolled(
    enrollment: CourseEnrollment, sessions: Sequence[ShownSession], now: datetime
) -> Offer:
    if enrollment.status == EnrollmentStatus.COMPLETED:
        return Offer(State.ENROLLED, badge="Completed", tone="good")
    offer = Offer(State.ENROLLED, badge="You're enrolled", tone="good")
    # Once everything is over, cancelling only costs.
    if not any(shown.is_held and shown.session.lasts(now) for shown in sessions):
        return offer
    return replace(
        offer,
        label="Cancel enrolment",
        url=reverse("enrollments:cancel_enrollment", args=[enrollment.pk]),
    )


def _was_ever_scheduled(shown: ShownCourse) -> bool:
    off = CourseSession.Status.CANCELLED
    return any(one.session.status != off for one in shown.sessions)


def _course_for_sale(quote: CourseQuote[CourseSession], reader: Reader) -> Offer:
    state, label = State.OPEN, f"Buy full course · {money(quote.price)}"
    if quote.price != quote.course.price_full_course:
        state = State.STARTED
    if quote.folded:
        state, held = State.UPGRADE, f"({money(quote.folded_amount)} already held)"
        to_pay = money(quote.to_pay) if quote.to_pay >= 0 else f"{money(-quote.to_pay)} back"
        label = f"Upgrade · {to_pay} {held}"
    url = reverse("enrollments:buy_course", args=[quote.course.pk])
    return _to_buy(Offer(state, label=label, url=url), quote.course, quote.to_pay, reader)


def _cheaper_singly(quote: CourseQuote[CourseSession]) -> Offer:
    missing, cost = len(quote.shares) - len(quote.folded), money(quote.one_by_one)
    other = "other " if quote.folded else ""
    match missing:
        case 0:
            reason = "You have every session still to come"
        case 1:
            reason = f"The {other}session still to come costs {cost}"
        case _:
            every = "both" if missing == 2 else f"all {missing}"
            them = f"the other {missing}" if other else every
            reason = f"Choose the sessions you need: {them} cost {cost}"
    return Offer(State.DEARER, reason=reason)


def _session_for_sale(session: CourseSession, reader: Reader) -> Offer:
    price = session.course.price_per_session or ZERO
    url = reverse("enrollments:buy_session", args=[session.pk])
    offer = Offer(State.OPEN, label=f"Buy session · {money(price)}", url=url)
    return _to_buy(offer, session.course, price, reader)


def _to_buy(offer: Offer, course: Course, to_pay: Decimal, reader: Reader) -> Offer:
    """What is for sale, for a reader who may be a guest or short of credit."""
    if reader.user is None:
        back = urlencode({"next": reverse("enrollments:course", args=[course.pk])})
        login = f"{reverse('accounts:login')}?{back}"
        return Offer(State.GUEST, label="Log in to buy", url=login)
    if (missing := to_pay - reader.credit) > 0:
        owing = f", {money(reader.owed)} of it owed" if reader.owed else ""
        return replace(
            offer,
            state=State.INSUFFICIENT,
            url="",
            reason=f"You need {money(missing)} more credit{owing}",
            remedy=where_to_get(missing, wanted=offer.url),
        )
    return offer


def _called_off(part: HoldPart | None) -> Offer:
    badge = "Cancelled by the teacher"
    if part and part.reason == HoldPart.Reason.SESSION_CANCELLED and part.amount:
        badge = f"{badge} · refunded"
    return Offer(State.CANCELLED, badge=badge, tone="bad")


def _running(shown: ShownSession) -> Offer:
    offer = Offer(State.RUNNING, badge="Running now", tone="good")
    door = _door(shown)
    return replace(offer, label="Join", url=door) if door else offer


def _door(shown: ShownSession) -> str:
    """Where the room of a session is, for who has access to it."""
    if shown.my_access is None or not shown.my_access.has_access:
        return ""
    return reverse("enrollments:room", args=[shown.session.pk])


def _held(session: CourseSession, part: HoldPart) -> Offer:
    as_sold = part.is_as_sold(session)
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
