"""Refusals of enrolling, buying, cancelling and of changing what was sold."""

from http import HTTPStatus

from common.errors import DomainError


class AlreadyEnrolled(DomainError):
    code = "already_enrolled"
    message = "You are enrolled in this course already."


class AlreadyPurchased(DomainError):
    code = "already_purchased"
    message = "You have this session already."


class IncludedInEnrollment(DomainError):
    code = "included_in_enrollment"
    message = "Your course includes this session."


class SoldOut(DomainError):
    code = "sold_out"
    message = "The last seat is taken. You were not charged."


class NotForSale(DomainError):
    code = "not_for_sale"
    message = "This is not for sale."


class OwnCourse(DomainError):
    code = "own_course"
    message = "You teach this course yourself."


class PriceChanged(DomainError):
    code = "price_changed"
    message = "The price changed from %(expected)s to %(price)s. You were not charged."
    example = {"expected": "80.00", "price": "90.00"}


class RefundLowered(DomainError):
    code = "refund_lowered"
    message = "%(refund)s would come back now, not %(expected)s. Nothing was cancelled."
    example = {"expected": "48.00", "refund": "36.00"}


class AlreadyCancelled(DomainError):
    code = "already_cancelled"
    message = "This is cancelled already."


class SessionStarted(DomainError):
    code = "session_started"
    message = "The session has started."


class SessionNotMoved(DomainError):
    code = "session_not_moved"
    message = "The session still has the start and length it was sold with."


class SessionClosed(DomainError):
    code = "session_closed"
    message = "The session is over or cancelled and cannot be changed."


class SessionSold(DomainError):
    code = "session_sold"
    message = "Students have booked this session, so it cannot be deleted. Cancel it instead."


class RefundsChanged(DomainError):
    code = "refunds_changed"
    message = (
        "The numbers changed meanwhile: $%(amount)s would go back to %(students)s of its "
        "students. Nothing was cancelled."
    )
    example = {"students": 6, "amount": "72.00"}


class SeatsTaken(DomainError):
    code = "seats_taken"
    message = "%(taken)s seats are taken already."
    example = {"taken": 5}


class TooManySessions(DomainError):
    code = "too_many_sessions"
    message = "A course has at most %(limit)s sessions, cancelled ones included."
    example = {"limit": 200}


class StartInPast(DomainError):
    code = "start_in_past"
    message = "A session starts in the future."
    status = HTTPStatus.BAD_REQUEST


class PartyToHold(DomainError):
    code = "party_to_hold"
    message = "This payment is partly your own: somebody else on the staff has to decide."
    status = HTTPStatus.FORBIDDEN
