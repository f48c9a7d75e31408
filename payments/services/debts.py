"""Debts that are given up: asked for by one of the staff, decided on by another.

What a bank gives back of them after all is the platform's, which has paid for it.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Min
from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from common.locks import Rank, take
from common.money import ZERO
from common.transactions import operation
from payments.errors import KeyReused, LessOwed, OwnDebt, StillDisputed, WriteOffDecided
from payments.models import DebtWriteOff, Dispute, LedgerAccount, Transfer
from payments.services import ledger
from payments.services.keys import under_its_key
from payments.services.ledger import DEBTS, PLATFORM, Entry, wallet

Status = DebtWriteOff.Status
DECIDE = "payments.grant_credit"


@operation
def ask_write_off(
    *, user: User, amount: Decimal, reason: str, request_id: UUID, actor: User
) -> DebtWriteOff:
    """Ask for `amount` credits of what `user` owes to be written off; nothing moves yet.

    A repeat with the same `request_id` gives the first one again; with anything else it raises
    `KeyReused`. Raises `OwnDebt` if the `actor` is the user, `LessOwed`, `StillDisputed`, and
    Django's `PermissionDenied`. Locks the wallet, so that a copy of the form waits for the first.
    """
    _check(actor)
    if user.pk == actor.pk:
        raise OwnDebt
    ledger.lock_accounts(wallet(user.pk))
    if made := DebtWriteOff.objects.filter(pk=request_id).first():
        if (made.debtor_id, made.amount, made.asked_by_id) != (user.pk, amount, actor.pk):
            raise KeyReused
        return made
    _refuse_too_much(user.pk, amount)
    with under_its_key():
        return DebtWriteOff.objects.create(
            id=request_id, debtor=user, amount=amount, reason=reason, asked_by=actor
        )


@operation
def write_off(*, write_off_id: UUID, actor: User) -> DebtWriteOff:
    """Write it off at the platform's expense (`platform → debts`). The user is told.

    A repeat raises `WriteOffDecided`. Raises `OwnDebt` for the user and for who asked, `LessOwed`
    if something was paid since, `StillDisputed`, `NotFound`, and Django's
    `PermissionDenied`. Locks the row, then the wallet.
    """
    found = _find_asked(write_off_id, actor)
    _refuse_too_much(found.debtor_id, found.amount, lock=True)
    _decide(found, actor, Status.WRITTEN_OFF)
    entry = Entry(
        dedupe_key=f"write_off:{found.pk}",
        kind=Transfer.Kind.WRITE_OFF,
        debit=PLATFORM,
        credit=DEBTS,
        debtor_id=found.debtor_id,
        amount=found.amount,
        note=found.reason,
    )
    ledger.transfer_all([entry], actor=actor)
    return found


@operation
def refuse_write_off(*, write_off_id: UUID, actor: User) -> DebtWriteOff:
    """Leave the debt as it is. Repeats, errors and locks are those of `write_off`."""
    return _decide(_find_asked(write_off_id, actor), actor, Status.REFUSED)


def lock_write_offs(debtor_id: UUID) -> list[DebtWriteOff]:
    """What of a user's debts was written off, or is asked to be; locked, before their wallet."""
    rows = DebtWriteOff.objects.filter(debtor=debtor_id).exclude(status=Status.REFUSED)
    found = [*rows.order_by("pk").locked()]
    take(Rank.GRANT, *(row.pk for row in found))
    return found


def recover(dispute: Dispute, *, write_offs: Sequence[DebtWriteOff], amount: Decimal) -> Decimal:
    """How much of what a dispute gives back is the platform's: it wrote off what had been taken.

    As if it had come before: then it would have paid the debt. Runs inside the caller's operation,
    which has locked the dispute and its payer's `write_offs`, and credits it.
    """
    taken_at = dispute.transfers.filter(kind=Transfer.Kind.DISPUTE).aggregate(at=Min("created_at"))
    left = amount
    for row in write_offs:
        if row.decided_at and taken_at["at"] and taken_at["at"] < row.decided_at:
            part = min(row.amount - row.recovered, left)
            row.recovered += part
            row.save(update_fields=["recovered"])
            left -= part
    return amount - left


def _find_asked(write_off_id: UUID, actor: User) -> DebtWriteOff:
    """The row, locked, if this person can decide on it."""
    _check(actor)
    take(Rank.GRANT, write_off_id)
    found = DebtWriteOff.objects.filter(pk=write_off_id).locked().first()
    if found is None:
        raise NotFound
    if actor.pk in (found.debtor_id, found.asked_by_id):
        raise OwnDebt
    if found.status != Status.ASKED:
        raise WriteOffDecided(status=found.get_status_display().lower())
    return found


def _decide(found: DebtWriteOff, actor: User, status: Status) -> DebtWriteOff:
    found.status, found.decided_by, found.decided_at = status, actor, timezone.now()
    found.save(update_fields=["status", "decided_by", "decided_at"])
    return found


def _refuse_too_much(user_id: UUID, amount: Decimal, *, lock: bool = False) -> None:
    """Raise if it is more than is owed, or what a bank may yet give back, which pays the debt."""
    account = LedgerAccount.objects.filter(owner=user_id, kind=LedgerAccount.Kind.WALLET)
    [found] = account.locked() if lock else account
    if lock:
        take(Rank.ACCOUNT, found.pk)
    if amount > found.owed:
        raise LessOwed(owed=found.owed)
    lost = max(found.owed - Dispute.objects.with_a_bank(user_id), ZERO)
    if amount > lost:
        raise StillDisputed(lost=lost)


def _check(actor: User) -> None:
    if not actor.has_perm(DECIDE):
        raise PermissionDenied
