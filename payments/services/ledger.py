"""The books: `transfer_all` is the only writer of balances and of transfers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from accounts.models import User
from common.locks import Rank, take
from common.money import ZERO
from common.transactions import operation
from common.writing import insert, save
from payments import queries
from payments.errors import InsufficientBalance, InsufficientCredit, OwnCredit
from payments.messages import tell_credit
from payments.models import (
    SYSTEM_ACCOUNTS,
    LedgerAccount,
    PaymentHold,
    TopUp,
    Transfer,
    Withdrawal,
)

Kind = LedgerAccount.Kind


class Ref(NamedTuple):
    """Which account: its kind, and its owner unless it is the system's."""

    kind: str
    owner_id: UUID | None = None


def wallet(user_id: UUID) -> Ref:
    """The account with the credit that a user can spend."""
    return Ref(Kind.WALLET, user_id)


def earnings(user_id: UUID) -> Ref:
    """The account with what a teacher or referrer has earned and not yet withdrawn."""
    return Ref(Kind.EARNINGS, user_id)


def withdrawing(user_id: UUID) -> Ref:
    """The account with what a user asked to be paid out, until it is paid."""
    return Ref(Kind.WITHDRAWING, user_id)


ESCROW = Ref(Kind.ESCROW)
ISSUED = Ref(Kind.ISSUED)
PLATFORM = Ref(Kind.PLATFORM)
PAID_OUT = Ref(Kind.PAID_OUT)
FEES = Ref(Kind.FEES)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One movement to make: `amount` from `debit` to `credit`, once per `dedupe_key`."""

    dedupe_key: str
    kind: str
    debit: Ref
    credit: Ref
    amount: Decimal
    hold: PaymentHold | None = None
    hold_part_id: UUID | None = None
    withdrawal: Withdrawal | None = None
    top_up: TopUp | None = None
    note: str = ""


def transfer_all(entries: Iterable[Entry], *, actor: User | None = None) -> list[Transfer]:
    """Make these movements all or nothing, inside the caller's operation; zeros are left out.

    Locks every user account concerned, ascending by id, before the first movement. Raises
    `InsufficientCredit` (wallets) or `InsufficientBalance` if an account would go below zero. A
    repeat is refused by the database: `dedupe_key` is unique for ever.
    """
    wanted = [entry for entry in entries if entry.amount]
    accounts = _lock_accounts({ref for e in wanted for ref in (e.debit, e.credit) if ref.owner_id})
    _change_balances(accounts, wanted)
    keys = {ref: account.pk for ref, account in accounts.items()}
    keys |= {Ref(kind): key for kind, key in SYSTEM_ACCOUNTS.items()}
    transfers = [_row(entry, keys, actor) for entry in wanted]
    insert(transfers)
    return transfers


def grant_credit(
    *, user: User, amount: Decimal, reason: str, request_id: UUID, actor: User | None = None
) -> Transfer:
    """Give `user` credit that the platform issues, `amount` in credits, for a stated reason.

    The user is told. A repeat with the same `request_id` gives the first transfer again. Raises
    `OwnCredit` if the `actor` is the user. Locks the wallet.
    """
    _refuse_own(user, actor)
    entry = Entry(
        dedupe_key=f"grant:{request_id}",
        kind=Transfer.Kind.GRANT,
        debit=ISSUED,
        credit=wallet(user.pk),
        amount=amount,
        note=reason,
    )
    return _transfer_once(entry, user, actor)


def revoke_credit(
    *, user: User, amount: Decimal, reason: str, request_id: UUID, actor: User | None = None
) -> Transfer:
    """Take back credit that was granted by mistake, `amount` in credits, for a stated reason.

    The user is told. A repeat with the same `request_id` gives the first transfer again. Raises
    `InsufficientCredit` if the user has spent it, `OwnCredit` if the `actor` is the user. Locks the
    wallet.
    """
    _refuse_own(user, actor)
    entry = Entry(
        dedupe_key=f"revoke:{request_id}",
        kind=Transfer.Kind.REVOKE,
        debit=wallet(user.pk),
        credit=ISSUED,
        amount=amount,
        note=reason,
    )
    return _transfer_once(entry, user, actor)


def _refuse_own(user: User, actor: User | None) -> None:
    """No CHECK can do this: a transfer names accounts, not their owners."""
    if actor is not None and actor.pk == user.pk:
        raise OwnCredit


@operation
def _transfer_once(entry: Entry, user: User, actor: User | None) -> Transfer:
    """The transfer of this key, of which the user is told: made now, or found.

    Locks the wallet first.
    """
    _lock_accounts({wallet(user.pk)})
    if made := Transfer.objects.filter(dedupe_key=entry.dedupe_key).first():
        return made
    [made] = transfer_all([entry], actor=actor)
    tell_credit(user.pk, made)
    return made


def _lock_accounts(refs: set[Ref]) -> dict[Ref, LedgerAccount]:
    if not refs:
        return {}
    owners = [ref.owner_id for ref in refs if ref.owner_id]
    if len(owners) == 1:
        found = queries.lock_account(next(iter(refs)).kind, owners[0])
    else:
        # Rows are locked as they are read: only reading along the key locks them in ascending
        # order.
        owned = queries.accounts_of(owners)
        keys = [account.pk for account in owned if _ref_of(account) in refs]
        found = queries.lock_accounts(keys)
    take(Rank.ACCOUNT, *(account.pk for account in found))
    return {_ref_of(account): account for account in found}


def _ref_of(account: LedgerAccount) -> Ref:
    return Ref(account.kind, account.owner_id)


def _change_balances(accounts: dict[Ref, LedgerAccount], entries: Sequence[Entry]) -> None:
    taken: defaultdict[Ref, Decimal] = defaultdict(lambda: ZERO)
    given: defaultdict[Ref, Decimal] = defaultdict(lambda: ZERO)
    for entry in entries:
        taken[entry.debit] += entry.amount
        given[entry.credit] += entry.amount
    for ref, account in accounts.items():
        available = (account.balance or ZERO) + given[ref]
        _require(ref, taken[ref], available)
        if taken[ref] != given[ref]:
            account.balance = available - taken[ref]
            save([account], ["balance"])


def _require(ref: Ref, required: Decimal, available: Decimal) -> None:
    if required <= available:
        return
    error = InsufficientCredit if ref.kind == Kind.WALLET else InsufficientBalance
    raise error(required=required, available=available, missing=required - available)


def _row(entry: Entry, keys: dict[Ref, UUID], actor: User | None) -> Transfer:
    return Transfer(
        dedupe_key=entry.dedupe_key,
        kind=entry.kind,
        debit_account_id=keys[entry.debit],
        credit_account_id=keys[entry.credit],
        amount=entry.amount,
        hold_id=entry.hold.pk if entry.hold else None,
        hold_part_id=entry.hold_part_id,
        withdrawal_id=entry.withdrawal.pk if entry.withdrawal else None,
        top_up_id=entry.top_up.pk if entry.top_up else None,
        actor_id=actor.pk if actor else None,
        note=entry.note,
    )
