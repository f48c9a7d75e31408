"""Refusals of deciding on what waits in a hold."""

from decimal import Decimal

from common.errors import DomainError


class NoteChanged(DomainError):
    code = "note_changed"
    message = "This note is gone or has changed. Look at the payment again."


class SessionNotStarted(DomainError):
    code = "session_not_started"
    message = "This session hasn't started, so nothing can be paid out for it yet."


class SessionNotOver(DomainError):
    code = "session_not_over"
    message = "This session isn't over, so nothing can be paid out for it yet."


class SessionCalledOff(DomainError):
    code = "session_cancelled"
    message = "This session was cancelled, so the student can only be refunded."


class RefundChanged(DomainError):
    code = "refund_changed"
    message = "%(refund)s would come back by now, not %(expected)s. Nothing was cancelled."
    example = {"expected": Decimal("48.00"), "refund": Decimal("36.00")}
