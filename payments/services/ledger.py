"""The books: `transfer_all` is the only writer of balances and of transfers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from accounts.models import User
from common.errors import DomainError
from common.locks import Rank, take
from common.money import ZERO, total
from common.writing import insert, save
from payments import queries
from payments.errors import InsufficientBalance, InsufficientCredit
from payments.messages.credit import tell_debt
from payments.models import (
    OF_DEBT,
    SYSTEM_ACCOUNTS,
    Dispute,
    Grant,
    LedgerAccount,
    PaymentHold,
    TopUp,
    TopUpRefund,
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
DEBTS = Ref(Kind.DEBTS)
REFUNDING = Ref(Kind.REFUNDING)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One movement to make: `amount` from `debit` to `credit`, once per `dedupe_key`.

    What a wallet lacks is refused, or if it is `owing`, becomes its owner's debt. A movement from
    or to `DEBTS` itself names the debtor.
    """

    dedupe_key: str
    kind: str
    debit: Ref
    credit: Ref
    amount: Decimal
    hold: PaymentHold | None = None
    hold_part_id: UUID | None = None
    withdrawal: Withdrawal | None = None
    top_up: TopUp | None = None
    dispute: Dispute | None = None
    grant: Grant | None = None
    refund: TopUpRefund | None = None
    owing: bool = False
    debtor_id: UUID | None = None
    note: str = ""


def transfer_all(
    entries: Iterable[Entry], *, actor: User | None = None, keys: Mapping[Ref, UUID] | None = None
) -> list[Transfer]:
    """Make these movements all or nothing, inside the caller's operation; zeros are left out.

    What comes in for somebody who owes pays that first: such a movement becomes two, or another
    one, and one of them has the `dedupe_key`. Locks every user account concerned, ascending by id,
    before the first movement. Raises `InsufficientCredit` (wallets) or `InsufficientBalance` if an
    account would go below zero. A repeat is refused by the database: `dedupe_key` is unique for
    ever. Users are told what they owe, and that they don't any more. `keys` are those of accounts,
    if the caller has read them: where one of them suffices, one statement locks and changes it.
    """
    wanted = [entry for entry in entries if entry.amount]
    if changed := _change_at_once(wanted, keys or {}):
        return _insert(wanted, changed, actor)
    accounts = _lock_accounts({ref for entry in wanted for ref in _owned_by(entry)}, keys or {})
    made = [*_along_debts(accounts, wanted)]
    lent = _lent(made)
    _change_balances(accounts, made, lent)
    transfers = _insert(made, {ref: account.pk for ref, account in accounts.items()}, actor)
    for ref, amount in lent.items():
        last = next(t for t in reversed(transfers) if t.debtor_id == ref.owner_id)
        tell_debt(last, risen_by=amount, owed=accounts[ref].owed)
    return transfers


def _change_at_once(entries: Sequence[Entry], keys: Mapping[Ref, UUID]) -> dict[Ref, UUID]:
    """Change the one account of a user that is concerned by a single statement; gives its key.

    Empty, and nothing has changed, if there are others, if it owes, or if it doesn't suffice.
    """
    refs = {ref for entry in entries for ref in _owned_by(entry)}
    if len(refs) != 1 or not refs <= keys.keys():
        return {}
    [ref] = refs
    taken = total(entry.amount for entry in entries if entry.debit == ref)
    change = total(entry.amount for entry in entries if entry.credit == ref) - taken
    take(Rank.ACCOUNT, keys[ref])
    return {ref: keys[ref]} if queries.change_balance(keys[ref], change, -change) else {}


def lock_accounts(*refs: Ref) -> None:
    """Lock accounts of users, ascending by id, before it is read what they may do."""
    _lock_accounts({*refs}, {})


def _lock_accounts(refs: set[Ref], keys: Mapping[Ref, UUID]) -> dict[Ref, LedgerAccount]:
    if not refs:
        return {}
    owners = [ref.owner_id for ref in refs if ref.owner_id]
    if refs <= keys.keys():
        # Not by their owner: what has tried to change one holds its row, and would wait for the
        # entry of an index whose holder waits for the row.
        found = queries.lock_accounts([keys[ref] for ref in refs])
    elif len(owners) == 1:
        found = queries.lock_account(next(iter(refs)).kind, owners[0])
    else:
        # Rows are locked as they are read: only reading along the key locks them in ascending
        # order.
        owned = queries.accounts_of(owners)
        found = queries.lock_accounts([one.pk for one in owned if _ref_of(one) in refs])
    take(Rank.ACCOUNT, *(account.pk for account in found))
    return {_ref_of(account): account for account in found}


def _ref_of(account: LedgerAccount) -> Ref:
    return Ref(account.kind, account.owner_id)


def _owned_by(entry: Entry) -> Iterator[Ref]:
    """The accounts of users that it changes."""
    yield from (ref for ref in (entry.debit, entry.credit) if ref.owner_id)
    if entry.debtor_id:
        yield wallet(entry.debtor_id)


def _along_debts(
    accounts: Mapping[Ref, LedgerAccount], entries: Sequence[Entry]
) -> Iterable[Entry]:
    """These movements, where what comes in for a debtor goes to debts, as far as they owe.

    And where what a wallet that may owe doesn't reach comes from there.
    """
    if not any(account.owed for account in accounts.values()) and not any(
        entry.owing for entry in entries
    ):
        return entries
    free = {ref: account.balance or ZERO for ref, account in accounts.items()}
    owed = {ref: account.owed for ref, account in accounts.items()}
    made = []
    for entry in entries:
        for piece in _pieces(entry, free, owed):
            made.append(piece)
            for ref, amount in ((piece.debit, -piece.amount), (piece.credit, piece.amount)):
                if ref in free:
                    free[ref] += amount
        for ref, amount in _lent(made).items():
            owed[ref] = accounts[ref].owed + amount
    return made


def _pieces(
    entry: Entry, free: Mapping[Ref, Decimal], owed: Mapping[Ref, Decimal]
) -> Iterator[Entry]:
    """What of it is about a debt, and what is not."""
    other = entry
    if entry.owing:
        other = replace(entry, debit=DEBTS, debtor_id=entry.debit.owner_id)
        about_debt = entry.amount - min(entry.amount, max(free[entry.debit], ZERO))
    else:
        about_debt = min(entry.amount, owed.get(entry.credit, ZERO))
        if about_debt:
            other = replace(entry, credit=DEBTS, debtor_id=entry.credit.owner_id)
    rest = entry.amount - about_debt
    if about_debt:
        key = entry.dedupe_key + OF_DEBT * bool(rest)
        yield replace(other, amount=about_debt, dedupe_key=key, owing=False)
    if rest:
        yield replace(entry, amount=rest, owing=False)


def _lent(entries: Iterable[Entry]) -> dict[Ref, Decimal]:
    """By how much each debt rises, by the wallet on which it stands."""
    lent: defaultdict[Ref, Decimal] = defaultdict(lambda: ZERO)
    for entry in entries:
        if entry.debtor_id:
            lent[wallet(entry.debtor_id)] += entry.amount if entry.debit == DEBTS else -entry.amount
    return {ref: amount for ref, amount in lent.items() if amount}


def _change_balances(
    accounts: dict[Ref, LedgerAccount], entries: Sequence[Entry], lent: Mapping[Ref, Decimal]
) -> None:
    taken: defaultdict[Ref, Decimal] = defaultdict(lambda: ZERO)
    given: defaultdict[Ref, Decimal] = defaultdict(lambda: ZERO)
    for entry in entries:
        taken[entry.debit] += entry.amount
        given[entry.credit] += entry.amount
    for ref, account in accounts.items():
        available = (account.balance or ZERO) + given[ref]
        if taken[ref] > available:
            raise _lacking(account, taken[ref], available, lent.get(ref, ZERO))
        account.balance = available - taken[ref]
        if ref in lent:
            account.owed += lent[ref]
            save([account], ["balance", "owed"])
        elif taken[ref] != given[ref]:
            save([account], ["balance"])


def _lacking(
    account: LedgerAccount, required: Decimal, available: Decimal, lent: Decimal
) -> DomainError:
    """Why an account doesn't suffice; what is owed has to be paid first."""
    missing = required - available
    if account.kind != Kind.WALLET:
        return InsufficientBalance(required=required, available=available, missing=missing)
    return InsufficientCredit(
        required=required,
        available=available,
        missing=missing + account.owed + lent,
        owed=account.owed,
    )


def _insert(entries: Iterable[Entry], keys: dict[Ref, UUID], actor: User | None) -> list[Transfer]:
    keys = keys | {Ref(kind): key for kind, key in SYSTEM_ACCOUNTS.items()}
    transfers = [_row(entry, keys, actor) for entry in entries]
    insert(transfers)
    return transfers


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
        dispute_id=entry.dispute.pk if entry.dispute else None,
        grant_id=entry.grant.pk if entry.grant else None,
        refund_id=entry.refund.pk if entry.refund else None,
        debtor_id=entry.debtor_id,
        actor_id=actor.pk if actor else None,
        note=entry.note,
    )
