"""Checks by the database itself that take more than a line."""

from functools import reduce
from operator import add

from django.db.models import F, Q
from django.db.models.functions import Round

# A withdrawal: its status is a known one, and says whether staff have decided,
DECIDED = Q(
    status__in=["requested", "cancelled"], decided_at__isnull=True, decided_by__isnull=True
) | Q(
    status__in=["approved", "rejected", "completed"],
    decided_at__isnull=False,
    decided_by__isnull=False,
)
# and whether it was paid, under a reference.
COMPLETED = (Q(status="completed", completed_at__isnull=False) & ~Q(payout_reference="")) | (
    ~Q(status="completed") & Q(completed_at__isnull=True, payout_reference="")
)


def within(amount: str, *shares: str) -> Q:
    """No share is below zero, and together they don't exceed `amount`.

    Rounded, because SQLite adds decimals as floats: 9.99 + 3.00 + 1.29 is more than 14.28 there.
    """
    signs = Q(**{f"{name}__gte": 0 for name in (amount, *shares)})
    return signs & Q(**{f"{amount}__gte": Round(reduce(add, map(F, shares)), precision=2)})
