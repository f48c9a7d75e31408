"""Refusals of the bank."""

from http import HTTPStatus

from common.errors import DomainError


class InsufficientCredit(DomainError):
    code = "insufficient_credit"
    message = "You need %(missing)s more credits."
    example = {"required": "80.00", "available": "62.00", "missing": "18.00"}
    status = HTTPStatus.PAYMENT_REQUIRED


class HoldSettled(DomainError):
    code = "hold_settled"
    message = "This payment is settled already."


class InsufficientBalance(DomainError):
    code = "insufficient_balance"
    message = "The account holds less than that."


class BelowMinimum(DomainError):
    code = "below_minimum"
    message = "A withdrawal is at least $%(minimum)s."
    example = {"minimum": "10.00"}


class WithdrawalDecided(DomainError):
    code = "withdrawal_decided"
    message = "This withdrawal is %(status)s already."
    example = {"status": "approved"}


class WithdrawalNotApproved(DomainError):
    code = "withdrawal_not_approved"
    message = "This withdrawal has to be approved before it is paid."


class OwnWithdrawal(DomainError):
    code = "own_withdrawal"
    message = "You asked for this withdrawal: somebody else on the staff has to decide."
    status = HTTPStatus.FORBIDDEN


class SecondPersonNeeded(DomainError):
    code = "second_person_needed"
    message = (
        "Within 24 hours more than $%(above)s was asked for: whoever approved this withdrawal "
        "does not pay it as well."
    )
    status = HTTPStatus.FORBIDDEN
    example = {"above": "100.00"}


class OwnCredit(DomainError):
    code = "own_credit"
    message = "This is your own credit: somebody else on the staff has to grant or revoke it."
    status = HTTPStatus.FORBIDDEN


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    message = "This idempotency key was sent with another request before."
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RequestInProgress(DomainError):
    code = "request_in_progress"
    message = "The same request is still running. Ask again in a moment."
    retry_after = 2


class InvalidKey(DomainError):
    code = "invalid_idempotency_key"
    message = "An idempotency key has 1 to 255 visible characters."
    status = HTTPStatus.BAD_REQUEST
