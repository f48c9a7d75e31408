"""Withdrawals of earnings: requested, approved, paid; or returned."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError, NotFound
from common.locks import Rank, take
from common.money import total
from common.transactions import operation
from payments.errors import (
    BelowMinimum,
    InDebt,
    OwnWithdrawal,
    SecondPersonNeeded,
    WithdrawalDecided,
    WithdrawalNotApproved,
)
from payments.messages.credit import tell_step
from payments.models import LedgerAccount, Transfer, Withdrawal, WithdrawalQuerySet
from payments.sealing import seal
from payments.services import ledger
from payments.services.ledger import PAID_OUT, Entry, Ref, earnings, withdrawing

Status = Withdrawal.Status
DAY = timedelta(hours=24)


@operation
def request_withdrawal(*, user: User, amount: Decimal, payout_details: str) -> Withdrawal:
    """Reserve `amount` credits of a user's earnings, to be paid as `payout_details` say.

    The caller has checked the password again. A repeat requests the amount a second time. Locks the
    user's earnings and withdrawing accounts. Raises `BelowMinimum`, `InsufficientBalance`, and
    `InDebt` if the user owes anything.
    """
    _refuse_debtor(user)
    if amount < settings.MIN_WITHDRAWAL:
        raise BelowMinimum(minimum=settings.MIN_WITHDRAWAL)
    made = Withdrawal.objects.create(
        teacher=user, amount=amount, payout_details=seal(payout_details)
    )
    entry = _entry(
        made, Transfer.Kind.WITHDRAW, earnings(user.pk), withdrawing(user.pk), made.masked_details
    )
    ledger.transfer_all([entry], actor=user)
    tell_step(made)
    return made


@operation
def cancel_withdrawal(*, user: User, withdrawal_id: UUID) -> Withdrawal:
    """Cancel one's own request that nobody has decided on; the earnings are returned.

    A repeat raises `WithdrawalDecided`. Raises `NotFound` for anyone else's. Locks the withdrawal,
    then the user's withdrawing and earnings accounts.
    """
    found = _lock(Withdrawal.objects.of(user), withdrawal_id)
    _require(found, Status.REQUESTED)
    found.status = Status.CANCELLED
    found.save(update_fields=["status"])
    _give_back(found, actor=user, note="Cancelled by the user")
    tell_step(found)
    return found


@operation
def approve_withdrawal(*, withdrawal_id: UUID, actor: User) -> Withdrawal:
    """Agree that a withdrawal may be paid; no money moves.

    A repeat raises `WithdrawalDecided`. Raises Django's `PermissionDenied` unless `actor` may
    decide on withdrawals, `OwnWithdrawal` if it is their own, `InDebt` if its user owes anything by
    now, and `NotFound`. Locks the withdrawal.
    """
    found = _lock_to_decide(withdrawal_id, actor)
    _require(found, Status.REQUESTED)
    _refuse_debtor(found.teacher)
    found.status = Status.APPROVED
    found.decided_by, found.decided_at = actor, timezone.now()
    found.save(update_fields=["status", "decided_by", "decided_at"])
    tell_step(found)
    return found


@operation
def complete_withdrawal(*, withdrawal_id: UUID, actor: User, reference: str) -> Withdrawal:
    """Record an approved withdrawal as paid, with the bank's `reference` (1 to 100 characters).

    A repeat raises `WithdrawalDecided`; one that isn't approved yet, `WithdrawalNotApproved`; the
    person who approved it, `SecondPersonNeeded` once a day's withdrawals exceed `TWO_PEOPLE_ABOVE`;
    otherwise as `approve_withdrawal`. Locks the withdrawal, then the user's withdrawing account.
    """
    found = _lock_to_decide(withdrawal_id, actor)
    if found.status == Status.REQUESTED:
        raise WithdrawalNotApproved
    _require(found, Status.APPROVED)
    if refusal := refuse_paying_alone(found, actor):
        raise refusal
    found.status, found.payout_reference = Status.COMPLETED, reference
    found.completed_at = timezone.now()
    found.save(update_fields=["status", "payout_reference", "completed_at"])
    source = withdrawing(found.teacher_id)
    ledger.transfer_all(
        [_entry(found, Transfer.Kind.PAYOUT, source, PAID_OUT, reference)], actor=actor
    )
    tell_step(found)
    return found


@operation
def reject_withdrawal(*, withdrawal_id: UUID, actor: User, reason: str) -> Withdrawal:
    """Reject a withdrawal, even an approved one that the bank sent back; the earnings are returned.

    `reason` (1 to 500 characters) is shown to the user. A repeat raises `WithdrawalDecided`;
    otherwise as `approve_withdrawal`. Locks the withdrawal, then the user's two accounts.
    """
    found = _lock_to_decide(withdrawal_id, actor)
    _require(found, Status.REQUESTED, Status.APPROVED)
    if found.status == Status.REQUESTED:
        found.decided_by, found.decided_at = actor, timezone.now()
    found.status, found.notes = Status.REJECTED, reason
    found.save(update_fields=["status", "notes", "decided_by", "decided_at"])
    _give_back(found, actor=actor, note=reason)
    tell_step(found)
    return found


def refuse_paying_alone(found: Withdrawal, actor: User) -> DomainError | None:
    """Why this user, having approved it, can't also record it as paid; None if they can."""
    if found.decided_by_id != actor.pk or _most_in_a_day(found) <= settings.TWO_PEOPLE_ABOVE:
        return None
    return SecondPersonNeeded(above=settings.TWO_PEOPLE_ABOVE)


def _most_in_a_day(found: Withdrawal) -> Decimal:
    """The most that its user requested within any 24 hours around it, without what was returned.

    By the time of each request, so paying late is no way around it. Later requests count too, so
    that of two that are paid at once each counts the other, and nothing has to be locked.
    """
    asked_at = found.requested_at
    near = Withdrawal.objects.filter(
        teacher=found.teacher_id,
        status__in=[Status.REQUESTED, Status.APPROVED, Status.COMPLETED],
        requested_at__gt=asked_at - DAY,
        requested_at__lt=asked_at + DAY,
    )
    asked = [*near.values_list("requested_at", "amount")]
    starts = (start for start, _ in asked if start <= asked_at)
    return max(
        total(amount for at, amount in asked if start <= at < start + DAY) for start in starts
    )


def _lock_to_decide(withdrawal_id: UUID, actor: User) -> Withdrawal:
    if not actor.has_perm("payments.decide_withdrawal"):
        raise PermissionDenied
    found = _lock(Withdrawal.objects.all(), withdrawal_id)
    if found.teacher_id == actor.pk:
        raise OwnWithdrawal
    return found


def _lock(among: WithdrawalQuerySet, withdrawal_id: UUID) -> Withdrawal:
    take(Rank.WITHDRAWAL, withdrawal_id)
    found = among.filter(pk=withdrawal_id).locked().first()
    if found is None:
        raise NotFound
    return found


def _require(found: Withdrawal, *statuses: str) -> None:
    if found.status not in statuses:
        raise WithdrawalDecided(status=found.status)


def _refuse_debtor(user: User) -> None:
    wallet = LedgerAccount.objects.get(owner=user, kind=LedgerAccount.Kind.WALLET)
    if wallet.owed:
        raise InDebt(owed=wallet.owed)


def _give_back(found: Withdrawal, *, actor: User, note: str) -> None:
    source, target = withdrawing(found.teacher_id), earnings(found.teacher_id)
    entry = _entry(found, Transfer.Kind.WITHDRAWAL_RETURNED, source, target, note)
    ledger.transfer_all([entry], actor=actor)


def _entry(found: Withdrawal, kind: str, debit: Ref, credit: Ref, note: str) -> Entry:
    """The only movement of this kind for this withdrawal, for ever."""
    return Entry(
        dedupe_key=f"{kind}:{found.pk}",
        kind=kind,
        debit=debit,
        credit=credit,
        amount=found.amount,
        withdrawal=found,
        note=note,
    )
