"""Whose money a withdrawal pays out: who paid for those earnings, how, and what is disputed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, Max, Q, Sum

from accounts.models import User
from common.money import ZERO, exact
from payments.models import Dispute, LedgerAccount, TopUp, Transfer

# Nobody reads more of them; what is not among them is older.
RELEASES = 500
# By what was taken: of a top-up that was refunded before, nothing is left to be disputed.
OPEN = Q(disputes__status__in=Dispute.OPEN + Dispute.TO_ANSWER) | Q(
    disputes__taken__gt=F("disputes__given_back")
)


@dataclass(frozen=True)
class Payer:
    """A student whose payments earned `amount`: last bought and last topped up when.

    `topped_up` is what they ever paid in; the rest of their credit was granted. `disputes` are
    top-ups of theirs that are, or were lost.
    """

    student: User
    amount: Decimal
    bought_at: datetime
    topped_up: Decimal
    topped_up_at: datetime | None
    disputes: int


def payers_of(teachers: Iterable[UUID]) -> dict[UUID, list[Payer]]:
    """Who paid what these people have earned and not been paid yet, most first.

    What was earned last is paid out last, so it is the latest releases that make up the sum.
    Four statements, and one for each of these people.
    """
    earned: defaultdict[tuple[UUID, UUID], Decimal] = defaultdict(lambda: ZERO)
    bought: dict[UUID, datetime] = {}
    for amount, teacher, student, held_at in _latest(list(teachers)):
        earned[teacher, student] += amount
        bought[student] = max(held_at, bought.get(student, held_at))
    students, paid = User.objects.in_bulk(bought), _paid_in(list(bought))
    found: defaultdict[UUID, list[Payer]] = defaultdict(list)
    for (teacher, key), amount in sorted(earned.items(), key=lambda row: -row[1]):
        known = paid.get(key, (ZERO, None, 0))
        found[teacher].append(Payer(students[key], amount, bought[key], *known))
    return found


def _latest(teachers: list[UUID]) -> Iterator[tuple[Decimal, UUID, UUID, datetime]]:
    """The latest releases to each, until they make up what is there and on its way out."""
    kinds = (LedgerAccount.Kind.EARNINGS, LedgerAccount.Kind.WITHDRAWING)
    accounts = LedgerAccount.objects.filter(owner__in=teachers, kind__in=kinds)
    sums = accounts.values("owner").annotate(sum=Sum("balance")).values_list("owner", "sum")
    releases = Transfer.objects.filter(
        kind=Transfer.Kind.RELEASE,
        credit_account__kind=LedgerAccount.Kind.EARNINGS,
    ).order_by("-created_at", "-id")
    said = releases.values_list("amount", "hold__student", "hold__held_at")
    # Of each apart: somebody who earned often of late would leave none for the others.
    for teacher, sum_ in sums:
        rest = exact(sum_)
        for amount, student, held_at in said.filter(credit_account__owner=teacher)[:RELEASES]:
            assert teacher
            assert student
            assert held_at
            if part := min(amount, rest):
                rest -= part
                yield part, teacher, student, held_at


def _paid_in(students: list[UUID]) -> dict[UUID, tuple[Decimal, datetime | None, int]]:
    """What each has topped up, when last, and how many of those top-ups are disputed."""
    rows = (
        TopUp.objects.filter(user__in=students, status=TopUp.Status.PAID)
        .values("user")
        .annotate(sum=Sum("amount"), last=Max("paid_at"))
        .values_list("user", "sum", "last")
    )
    disputed = dict(
        TopUp.objects.filter(OPEN, user__in=students)
        .values("user")
        .annotate(count=Count("pk", distinct=True))
        .values_list("user", "count")
    )
    return {user: (exact(sum_), last, disputed.get(user, 0)) for user, sum_, last in rows}
