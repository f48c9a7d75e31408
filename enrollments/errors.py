"""Refusals of buying, cancelling, and changing what was sold."""

from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus

from common.errors import DomainError
from common.formats import counted
from common.shapes import Json


class AlreadyEnrolled(DomainError):
    code = "already_enrolled"
    message = "You already bought this course."


class AlreadyPurchased(DomainError):
    code = "already_purchased"
    message = "You already bought this session."


class IncludedInEnrollment(DomainError):
    code = "included_in_enrollment"
    message = "Your course already includes this session."


class SoldOut(DomainError):
    code = "sold_out"
    message = "The last seat was just taken. You were not charged."


class Unsold(StrEnum):
    """Why a course, or a session, is not for sale: pages show each differently."""

    DRAFT = "draft"
    ARCHIVED = "archived"
    TEACHER_GONE = "teacher_gone"
    CALLED_OFF = "called_off"
    OVER = "over"
    NOT_WHOLE = "not_whole"
    NOT_SINGLY = "not_singly"


class NotForSale(DomainError):
    code = "not_for_sale"
    message = "This is not for sale."

    def __init__(self, why: Unsold | None = None) -> None:
        super().__init__()
        self.why = why


class OwnCourse(DomainError):
    code = "own_course"
    message = "You teach this course yourself."


class PriceChanged(DomainError):
    code = "price_changed"
    message = "The price changed from %(expected)s to %(price)s. You were not charged."
    example = {"expected": Decimal("80.00"), "price": Decimal("90.00")}


class RefundLowered(DomainError):
    code = "refund_lowered"
    message = "Your refund is now %(refund)s, not %(expected)s. Nothing was cancelled."
    example = {"expected": Decimal("48.00"), "refund": Decimal("36.00")}


class AlreadyCancelled(DomainError):
    code = "already_cancelled"
    message = "This is already cancelled."


class SessionStarted(DomainError):
    code = "session_started"
    message = "This session has started, so it can no longer be bought, changed or cancelled."


class SessionNotMoved(DomainError):
    code = "session_not_moved"
    message = (
        "This session's time and length haven't changed since you booked it, so you can't return "
        "it on its own."
    )


class SessionClosed(DomainError):
    code = "session_closed"
    message = "This session is over or cancelled, so it can't be changed."


class SessionSold(DomainError):
    code = "session_sold"
    message = "Students have booked this session, so it can't be deleted. Cancel it instead."


class CourseSold(DomainError):
    code = "course_sold"
    message = "Students have booked this course, so it can't be deleted. Archive it instead."


class ReasonMissing(DomainError):
    """Students read why a session that they booked moves."""

    code = "reason_missing"
    message = "Students have booked this session. Tell them why you move it."


class RefundsChanged(DomainError):
    code = "refunds_changed"
    message = "Cancelling would now refund %(amount)s to %(students)s. Nothing was cancelled."
    example = {"students": 6, "amount": Decimal("72.00")}

    def in_words(self) -> Json:
        return super().in_words() | {"students": counted(self.given["students"], "student")}


class SeatsTaken(DomainError):
    code = "seats_taken"
    message = "%(taken)s already taken."
    example = {"taken": 5}

    def in_words(self) -> Json:
        return {"taken": counted(self.given["taken"], "seat")}


class TooManySessions(DomainError):
    code = "too_many_sessions"
    message = "A course can have at most %(limit)s sessions, including cancelled ones."
    example = {"limit": 200}


class StartInPast(DomainError):
    code = "start_in_past"
    message = "Choose a start in the future."
    status = HTTPStatus.BAD_REQUEST


class PartyToHold(DomainError):
    code = "party_to_hold"
    message = "Part of this payment is yours, so someone else on the staff has to decide."
    status = HTTPStatus.FORBIDDEN
