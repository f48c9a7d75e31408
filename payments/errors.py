"""Refusals of the bank."""

from decimal import Decimal
from http import HTTPStatus

from common.errors import DomainError


class InsufficientCredit(DomainError):
    code = "insufficient_credit"
    message = "You need %(missing)s more credit."
    example = {
        "required": Decimal("80.00"),
        "available": Decimal("62.00"),
        "missing": Decimal("18.00"),
        "owed": Decimal("0.00"),
    }
    status = HTTPStatus.PAYMENT_REQUIRED


class HoldSettled(DomainError):
    code = "hold_settled"
    message = "This payment has already been settled."


class InsufficientBalance(DomainError):
    code = "insufficient_balance"
    message = "That's more than is available."


class BelowMinimum(DomainError):
    code = "below_minimum"
    message = "The smallest withdrawal is %(minimum)s."
    example = {"minimum": Decimal("10.00")}


class InDebt(DomainError):
    code = "in_debt"
    message = "You owe %(owed)s. Nothing can be withdrawn until that is paid."
    example = {"owed": Decimal("15.00")}


class AmountOutOfRange(DomainError):
    code = "amount_out_of_range"
    message = "A top-up is %(minimum)s to %(maximum)s."
    status = HTTPStatus.BAD_REQUEST
    example = {"minimum": Decimal("5.00"), "maximum": Decimal("500.00")}


class NotRefundable(DomainError):
    code = "not_refundable"
    message = "You can have %(refundable)s refunded."
    example = {"refundable": Decimal("12.00")}


class InDispute(DomainError):
    code = "in_dispute"
    message = "A bank is disputing the payment, so it can't be refunded."
    example = {"refundable": Decimal("0.00")}


class ProcessorUnavailable(DomainError):
    """The processor gives no useful answer. What it did is not known: ask again with the same."""

    code = "processor_unavailable"
    message = "We can't reach our payment provider right now. Try again in a moment."
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 5


class ProcessorSilent(ProcessorUnavailable):
    """It answers nobody just now: whatever else it is asked will fare no better."""


class WithdrawalDecided(DomainError):
    code = "withdrawal_decided"
    message = "This withdrawal is already %(status)s."
    example = {"status": "approved"}


class WithdrawalNotApproved(DomainError):
    code = "withdrawal_not_approved"
    message = "This withdrawal has to be approved before it can be paid."


class OwnWithdrawal(DomainError):
    code = "own_withdrawal"
    message = "This is your own withdrawal, so someone else on the staff has to decide."
    status = HTTPStatus.FORBIDDEN


class SecondPersonNeeded(DomainError):
    code = "second_person_needed"
    message = (
        "More than %(above)s was requested within 24 hours, so the person who approved this "
        "withdrawal can't also record it as paid."
    )
    status = HTTPStatus.FORBIDDEN
    example = {"above": Decimal("100.00")}


class OwnCredit(DomainError):
    code = "own_credit"
    message = "This is your own credit, so someone else on the staff has to grant or revoke it."
    status = HTTPStatus.FORBIDDEN


class OwnDebt(DomainError):
    code = "own_debt"
    message = "You owe this, or asked for it yourself, so someone else on the staff has to decide."
    status = HTTPStatus.FORBIDDEN


class LessOwed(DomainError):
    code = "less_owed"
    message = "Only %(owed)s is owed."
    example = {"owed": Decimal("5.00")}


class StillDisputed(DomainError):
    code = "still_disputed"
    message = "A bank still has to decide, so only %(lost)s can be written off."
    example = {"lost": Decimal("5.00")}


class WriteOffDecided(DomainError):
    code = "write_off_decided"
    message = "This has already been decided: %(status)s."
    example = {"status": "refused"}


class OwnGrant(DomainError):
    code = "own_grant"
    message = "You asked for this grant yourself, so someone else on the staff has to decide."
    status = HTTPStatus.FORBIDDEN


class GrantDecided(DomainError):
    code = "grant_decided"
    message = "This grant is already %(status)s."
    example = {"status": "granted"}


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    message = "This was already sent with different details."
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RequestInProgress(DomainError):
    code = "request_in_progress"
    message = "This is still being processed. Check again in a moment."
    retry_after = 2


class InvalidKey(DomainError):
    code = "invalid_idempotency_key"
    message = "An idempotency key must have 1 to 255 visible characters."
    status = HTTPStatus.BAD_REQUEST
