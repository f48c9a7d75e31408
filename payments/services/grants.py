"""Credit that the platform gives and takes back: each once, for a reason, and never one's own.

A clerk alone gives so much in a day; on more than that another one decides. What the operator gives
by a command has no actor.
"""

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
from payments.errors import GrantDecided, KeyReused, OwnCredit, OwnGrant
from payments.messages.credit import tell_credit
from payments.models import Grant, Transfer
from payments.services import ledger
from payments.services.keys import under_its_key
from payments.services.ledger import ISSUED, Entry, wallet

Status = Grant.Status
DAY = timedelta(hours=24)


@operation
def grant_credit(*, user: User, amount: Decimal, reason: str, request_id: UUID) -> Transfer:
    """Give `user` credit that the platform issues, `amount` in credits, by the operator's command.

    The user is told, with the `reason`. A repeat with the same `request_id` gives the first
    transfer again; with anything else it raises `KeyReused`. Locks the wallet.
    """
    return _move_once(_granting(user, amount, reason, request_id), user)


@operation
def request_grant(
    *, user: User, amount: Decimal, reason: str, request_id: UUID, actor: User
) -> Grant:
    """Give `user` credit on the word of a clerk, or ask for it if that is too much for one.

    One clerk gives `GRANT_TWO_PEOPLE_ABOVE` in any 24 hours, and asks for what is more; the user is
    told of what is given, with the `reason`. A repeat with the same `request_id` gives the first
    grant again; with anything else it raises `KeyReused`. Raises `OwnCredit` if the `actor` is the
    user. Locks both wallets: the clerk's, so that parallel grants count each other.
    """
    _refuse_own(user, actor)
    ledger.lock_accounts(wallet(user.pk), wallet(actor.pk))
    if made := Grant.objects.filter(pk=request_id).first():
        if (made.user_id, made.amount, made.asked_by_id) != (user.pk, amount, actor.pk):
            raise KeyReused
        return made
    made = Grant(pk=request_id, user=user, amount=amount, reason=reason, asked_by=actor)
    alone = _given_alone(actor) + amount <= settings.GRANT_TWO_PEOPLE_ABOVE
    if alone:
        made.status, made.decided_at = Status.GRANTED, made.asked_at
    with under_its_key():
        made.save(force_insert=True)
    if alone:
        _give(made, actor)
    return made


@operation
def approve_grant(*, grant_id: UUID, actor: User, reason: str) -> Grant:
    """Give what another clerk asked for; the user is told, with that one's reason.

    A repeat raises `GrantDecided`. Raises Django's `PermissionDenied` unless `actor` may grant
    credit, `OwnGrant`, `OwnCredit` and `NotFound`. Locks the grant, then the wallet.
    """
    found = _decide(grant_id, actor, Status.GRANTED, reason)
    _give(found, actor)
    return found


@operation
def refuse_grant(*, grant_id: UUID, actor: User, reason: str) -> Grant:
    """Don't give what another clerk asked for: nothing moves, and nobody is told.

    Otherwise as `approve_grant`. Locks the grant.
    """
    return _decide(grant_id, actor, Status.REFUSED, reason)


@operation
def revoke_credit(
    *, user: User, amount: Decimal, reason: str, request_id: UUID, actor: User | None = None
) -> Transfer:
    """Take back credit that was granted by mistake, `amount` in credits, for a stated reason.

    The user is told. A repeat with the same `request_id` gives the first transfer again; with
    anything else it raises `KeyReused`. Raises `InsufficientCredit` if the user has spent it,
    `OwnCredit` if the `actor` is the user. Locks the wallet.
    """
    if actor:
        _refuse_own(user, actor)
    entry = Entry(
        dedupe_key=f"revoke:{request_id}",
        kind=Transfer.Kind.REVOKE,
        debit=wallet(user.pk),
        credit=ISSUED,
        amount=amount,
        note=reason,
    )
    return _move_once(entry, user, actor)


def refuse_deciding(found: Grant, actor: User) -> DomainError | None:
    """Why this person can't decide on it; None if they can."""
    if found.user_id == actor.pk:
        return OwnCredit()
    if found.asked_by_id == actor.pk:
        return OwnGrant()
    return None if found.status == Status.ASKED else GrantDecided(status=found.status)


def _refuse_own(user: User, actor: User) -> None:
    """No CHECK can do this: a transfer names accounts, not their owners."""
    if actor.pk == user.pk:
        raise OwnCredit


def _given_alone(actor: User) -> Decimal:
    """What this clerk has given within the last 24 hours without anybody else."""
    given = Grant.objects.filter(
        asked_by=actor,
        asked_at__gt=timezone.now() - DAY,
        status=Status.GRANTED,
        decided_by=None,
    )
    return total(given.values_list("amount", flat=True))


def _decide(grant_id: UUID, actor: User, status: str, reason: str) -> Grant:
    if not actor.has_perm("payments.grant_credit"):
        raise PermissionDenied
    take(Rank.GRANT, grant_id)
    found = Grant.objects.filter(pk=grant_id).locked().first()
    if found is None:
        raise NotFound
    if refusal := refuse_deciding(found, actor):
        raise refusal
    found.status, found.notes = status, reason
    found.decided_by, found.decided_at = actor, timezone.now()
    found.save(update_fields=["status", "notes", "decided_by", "decided_at"])
    return found


def _give(grant: Grant, actor: User) -> None:
    entry = _granting(grant.user, grant.amount, grant.reason, grant.pk, grant)
    _move_once(entry, grant.user, actor)


def _granting(
    user: User, amount: Decimal, reason: str, key: UUID, grant: Grant | None = None
) -> Entry:
    return Entry(
        dedupe_key=f"grant:{key}",
        kind=Transfer.Kind.GRANT,
        debit=ISSUED,
        credit=wallet(user.pk),
        amount=amount,
        grant=grant,
        note=reason,
    )


def _move_once(entry: Entry, user: User, actor: User | None = None) -> Transfer:
    """The transfer of this key, of which the user is told: made now, or found."""
    ledger.lock_accounts(wallet(user.pk))
    if made := Transfer.objects.filter(dedupe_key=entry.dedupe_key).first():
        whose = made.debtor_id or made.debit_account.owner_id or made.credit_account.owner_id
        before = whose, Transfer.objects.total_of(entry.dedupe_key), made.actor_id
        if before != (user.pk, entry.amount, actor and actor.pk):
            raise KeyReused
        return made
    with under_its_key():
        moved = ledger.transfer_all([entry], actor=actor)
    made = next(one for one in moved if one.dedupe_key == entry.dedupe_key)
    tell_credit(user.pk, made, amount=entry.amount)
    return made
