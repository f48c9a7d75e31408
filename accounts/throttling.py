"""How often people may try, counted in the database, so that all processes count together.

An attempt is taken from its budgets, and that is committed, before the password is checked: so
parallel guesses get no further than sequential ones, and a process that dies gives nothing back. A
success does.
"""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, Q, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.addresses import normal_address
from accounts.errors import TooManyAttempts
from accounts.models import SignInRecord, User
from accounts.passwords import salt_of
from common.transactions import operation
from common.writing import insert, save

KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True)
class Budget:
    """At most `limit` attempts in a window that starts with the first of them."""

    key: str
    limit: int
    window: timedelta

    def count(self, record: SignInRecord, now: datetime) -> int:
        """Count one attempt on its record; gives 0, or the seconds to wait if none is left."""
        if record.expires_at <= now:
            record.count, record.expires_at = 0, now + self.window
        record.count += 1
        left = (record.expires_at - now).total_seconds()
        return 0 if record.count <= self.limit else max(1, math.ceil(left))


@dataclass(frozen=True)
class SignInAttempt:
    """One attempt to sign in to an account (whether or not it exists) from an address."""

    email: str
    address: str

    @property
    def pair(self) -> Budget:
        return Budget(_key("pair", self.email, self.address), 5, timedelta(minutes=5))

    @property
    def from_address(self) -> Budget:
        return Budget(_key("address", self.address), 50, timedelta(minutes=5))

    @property
    def to_account(self) -> Budget:
        return Budget(_key("account", self.email), 20, timedelta(minutes=15))

    def begin(self, user: User | None) -> list[Budget]:
        """Take this attempt from its budgets, which it gives; or raise `TooManyAttempts`."""
        budgets = [self.pair, self.from_address]
        # Attacking an account from everywhere must not lock its owner out: at an address where the
        # owner has signed in before, only the budgets of that address count.
        if not SignInRecord.objects.live().filter(key=self._known(user)).exists():
            budgets.append(self.to_account)
        take(budgets)
        return budgets

    @operation
    def succeed(self, user: User, taken: Sequence[Budget]) -> None:
        """Give back what was taken, forget the account's failures from here, know the address."""
        none_left = Q(key=self.pair.key) | Q(count=0)
        SignInRecord.objects.filter(key__in=[budget.key for budget in taken]).update(
            count=Case(When(none_left, then=Value(0)), default=F("count") - 1)
        )
        self.know(user)

    @operation
    def know(self, user: User) -> None:
        """Remember this address as the user's, so that attacks from elsewhere don't count."""
        record = SignInRecord(key=self._known(user), expires_at=timezone.now() + KNOWN_FOR)
        if not SignInRecord.objects.filter(pk=record.pk).update(expires_at=record.expires_at):
            insert([record], once_by="key")

    def _known(self, user: User | None) -> str:
        """It ends with the password: an address that somebody else made known is unknown again.

        It does not end with the hash, which a login from anywhere may renew.
        """
        return _key("known", self.email, self.address, salt_of(user.password) if user else "")


def begin_registration(address: str) -> None:
    """Count a registration from an address (a class may share one), or raise `TooManyAttempts`."""
    take([Budget(_key("register", address), 60, timedelta(hours=1))])


def begin_reset(email: str, address: str) -> None:
    """Count a request for an email from an address, or raise `TooManyAttempts`.

    It counts for an account whether or not that exists, so a refusal reveals nothing.
    """
    hour = timedelta(hours=1)
    account = _key("reset", normal_address(email))
    take([Budget(_key("reset from", address), 20, hour), Budget(account, 5, hour)])


def begin_proof(*, account: UUID, address: str) -> None:
    """Count a link that a user asks for, to their own address, or raise `TooManyAttempts`."""
    take(_links_for(account, str(account), address, a_day=10))


def begin_change(*, account: UUID, proved: bool, to: str, address: str) -> bool:
    """Count a link that a user asks for, to a new address, or raise `TooManyAttempts`.

    Gives whether to send it. Only what users ask for themselves is refused to them: strangers who
    want the same address can't use that up. Yet it must not be flooded, so ten links a day are sent
    there, and ten more for accounts that have proved an address of their own: a crowd that merely
    signed up can't use those up. Four accounts that proved one can, for a day; if each were sent
    its own, such a crowd could flood any address. The rest are left out in silence, so nobody
    learns whether others asked. It counts whether or not the address is taken, so a refusal reveals
    nothing.
    """
    take(_links_for(account, to, address, a_day=5))
    whose = "the proved" if proved else "others"
    try:
        take([Budget(_key("links", to, whose), 10, timedelta(days=1))])
    except TooManyAttempts:
        return False
    return True


def _links_for(account: UUID, to: str, address: str, *, a_day: int) -> list[Budget]:
    hour, day, pair = timedelta(hours=1), timedelta(days=1), (str(account), to)
    return [
        Budget(_key("proof from", address), 20, hour),
        Budget(_key("proof by", str(account)), 5, hour),
        Budget(_key("proof by, to", *pair), 3, hour),
        Budget(_key("proofs by, to", *pair), a_day, day),
    ]


def client_address(request: HttpRequest | Request) -> str:
    """Where a request comes from: `X-Forwarded-For` counts only where our own proxies wrote it.

    For IPv6 it is the network, because every customer has 2**64 addresses.
    """
    ident = BaseThrottle().get_ident(request) or ""  # type: ignore[arg-type]
    try:
        address = ipaddress.ip_address(ident)
    except ValueError:
        return ident
    if address.version == 4:
        return ident
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


@operation
def take(budgets: Sequence[Budget]) -> None:
    """Take one attempt from each of these, or raise `TooManyAttempts` and take none.

    Locks their records.
    """
    now = timezone.now()
    # In the order of the keys, so that two that share some never deadlock. It locks those that are
    # there already, too.
    ordered = sorted(budgets, key=lambda b: b.key)
    insert([SignInRecord(key=b.key, expires_at=now + b.window) for b in ordered], once_by="key")
    records = SignInRecord.objects.in_bulk([budget.key for budget in budgets])
    if wait := max(budget.count(records[budget.key], now) for budget in budgets):
        raise TooManyAttempts(retry_after=wait)
    save(list(records.values()), ["count", "expires_at"])


def _key(*parts: str) -> str:
    return salted_hmac("accounts.throttling", "\0".join(parts), algorithm="sha256").hexdigest()
