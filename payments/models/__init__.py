"""The bank's books: accounts, transfers between them, and what they are about."""

from payments.models.accounts import SYSTEM_ACCOUNTS, USER_KINDS, Kind, LedgerAccount
from payments.models.debts import DebtWriteOff
from payments.models.disputes import Dispute, DisputeQuerySet
from payments.models.grants import Grant
from payments.models.holds import HoldEvent, HoldPart, HoldQuerySet, HoldStatus, PaymentHold
from payments.models.keys import IdempotencyRecord
from payments.models.refunds import TopUpRefund, TopUpRefundQuerySet
from payments.models.texts import CreditNotice
from payments.models.topups import (
    CURRENCY,
    ProcessorEvent,
    RehearsalCheckout,
    TopUp,
    TopUpQuerySet,
)
from payments.models.transfers import OF_DEBT, Transfer, TransferQuerySet
from payments.models.withdrawals import Withdrawal, WithdrawalQuerySet

__all__ = [
    "CURRENCY",
    "OF_DEBT",
    "SYSTEM_ACCOUNTS",
    "USER_KINDS",
    "CreditNotice",
    "DebtWriteOff",
    "Dispute",
    "DisputeQuerySet",
    "Grant",
    "HoldEvent",
    "HoldPart",
    "HoldQuerySet",
    "HoldStatus",
    "IdempotencyRecord",
    "Kind",
    "LedgerAccount",
    "PaymentHold",
    "ProcessorEvent",
    "RehearsalCheckout",
    "TopUp",
    "TopUpQuerySet",
    "TopUpRefund",
    "TopUpRefundQuerySet",
    "Transfer",
    "TransferQuerySet",
    "Withdrawal",
    "WithdrawalQuerySet",
]
