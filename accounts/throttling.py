"""How often people may try, counted in the database, so that all processes count together.

An attempt is taken from its budgets before the password is checked, each with one conditional
UPDATE, so that parallel guesses get no further than sequential ones. A success gives it back.
"""

import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Case, F, Q, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.addresses import normal_address
from accounts.errors import TooManyAttempts
from accounts.models import SignInRecord
from common.transactions import operation

KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True)
class Budget:
    """At most `limit` attempts in a window that starts with the first of them."""

    key: str
    limit: int
    window: timedelta

    @operation
    def take(self) -> int:
        """Take one attempt; gives 0, or the seconds to wait if none is left."""
        now = timezone.now()
        record = SignInRecord.objects.filter(key=self.key)
        expired = Q(expires_at__lte=now)
        # MySQL assigns from left to right, and the count has to see the old end of the window.
        taken = record.filter(expired | Q(count__lt=self.limit)).update(
            count=Case(When(expired, then=Value(1)), default=F("count") + 1),
            expires_at=Case(When(expired, then=Value(now + self.window)), default=F("expires_at")),
        )
        if taken:
            return 0
        ends = record.values_list("expires_at", flat=True).first() or now
        return max(1, math.ceil((ends - now).total_seconds()))

    @operation
    def give_back(self) -> None:
        SignInRecord.objects.filter(key=self.key, count__gt=0).update(count=F("count") - 1)


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

    @property
    def known(self) -> str:
        return _key("known", self.email, self.address)

    def begin(self) -> list[Budget]:
        """Take this attempt from its budgets, which it gives; or raise `TooManyAttempts`."""
        budgets = [self.pair, self.from_address]
        _take(budgets)
        # Attacking an account from everywhere must not lock its owner out: at an address where the
        # owner has signed in before, only the budgets of that address count.
        if not SignInRecord.objects.live().filter(key=self.known).exists():
            _take([self.to_account])
            budgets.append(self.to_account)
        return budgets

    @operation
    def succeed(self, taken: list[Budget]) -> None:
        """Give back what was taken, forget the account's failures from here, know the address."""
        for budget in taken:
            budget.give_back()
        SignInRecord.objects.filter(key=self.pair.key).update(count=0)
        self.know()

    @operation
    def know(self) -> None:
        """Remember this address as the owner's, so that attacks from elsewhere don't count."""
        SignInRecord.objects.update_or_create(
            key=self.known, defaults={"expires_at": timezone.now() + KNOWN_FOR}
        )


def begin_registration(address: str) -> None:
    """Count a registration from an address (a class may share one), or raise `TooManyAttempts`."""
    _take([Budget(_key("register", address), 60, timedelta(hours=1))])


def begin_reset(email: str, address: str) -> None:
    """Count a request for an email from an address, or raise `TooManyAttempts`.

    It counts for an account whether or not that exists, so a refusal reveals nothing.
    """
    hour = timedelta(hours=1)
    account = _key("reset", normal_address(email))
    _take([Budget(_key("reset from", address), 20, hour), Budget(account, 5, hour)])


def begin_proof(*, account: UUID, address: str) -> None:
    """Count a link that a user asks for, to their own address, or raise `TooManyAttempts`."""
    _take(_links_for(account, str(account), address, a_day=10))


def begin_change(*, account: UUID, proved: bool, to: str, address: str) -> bool:
    """Count a link that a user asks for, to a new address, or raise `TooManyAttempts`.

    Gives whether to send it. Only what users ask for themselves is refused to them: strangers who
    want the same address can't use that up. Yet it must not be flooded, so ten links a day are sent
    there, and ten more for accounts that have proved an address of their own: a crowd that was made
    for this can't use those up either. The rest are left out in silence, so nobody learns whether
    others asked. It counts whether or not the address is taken, so a refusal reveals nothing.
    """
    _take(_links_for(account, to, address, a_day=5))
    whose = "the proved" if proved else "others"
    try:
        _take([Budget(_key("links", to, whose), 10, timedelta(days=1))])
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


def _take(budgets: list[Budget]) -> None:
    _open(budgets)
    for budget in budgets:
        if wait := budget.take():
            raise TooManyAttempts(retry_after=wait)


@operation
def _open(budgets: list[Budget]) -> None:
    # In the order of the keys, as prune() deletes them, so that the two never deadlock.
    SignInRecord.objects.bulk_create(
        (
            SignInRecord(key=b.key, expires_at=timezone.now() + b.window)
            for b in sorted(budgets, key=lambda b: b.key)
        ),
        ignore_conflicts=True,
    )


@operation
def prune() -> None:
    """Delete a few expired records; every attempt to sign in does this."""
    SignInRecord.objects.prune()


def _key(*parts: str) -> str:
    return salted_hmac("accounts.throttling", "\0".join(parts), algorithm="sha256").hexdigest()
