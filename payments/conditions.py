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

# What one of the staff asks for and another decides; neither is the person it is about.
TWO_PEOPLE = Q(status="asked", decided_at__isnull=True, decided_by__isnull=True) | (
    ~Q(status="asked") & Q(decided_at__isnull=False, decided_by__isnull=False)
)
# A grant: nobody else decides on what a clerk gives alone; else it is decided by somebody.
GRANTED = (
    Q(status="asked", decided_at__isnull=True, decided_by__isnull=True)
    | Q(status="granted", decided_at__isnull=False)
    | Q(status="refused", decided_at__isnull=False, decided_by__isnull=False)
)

# A top-up: paid with the time, the session that was paid, and its receipt; or none of it yet.
PAID = Q(
    status="paid",
    paid_at__isnull=False,
    checkout_session__isnull=False,
    receipt__isnull=False,
) | Q(
    status__in=["created", "expired", "failed"],
    paid_at__isnull=True,
    receipt__isnull=True,
    fee_booked_at__isnull=True,
    refunded_amount=0,
    disputed_amount=0,
)

# A refund: how far it is says which of its times are known.
REFUND_STEPS = (
    Q(status="requested", sent_at__isnull=True, succeeded_at__isnull=True, failed_at__isnull=True)
    | Q(status="sent", sent_at__isnull=False, succeeded_at__isnull=True, failed_at__isnull=True)
    | Q(
        status="succeeded",
        sent_at__isnull=False,
        succeeded_at__isnull=False,
        failed_at__isnull=True,
    )
    | Q(status="failed", failed_at__isnull=False)
)


def within(amount: str, *shares: str) -> Q:
    """No share is below zero, and together they don't exceed `amount`.

    Rounded, because SQLite adds decimals as floats: 9.99 + 3.00 + 1.29 is more than 14.28 there.
    """
    signs = Q(**{f"{name}__gte": 0 for name in (amount, *shares)})
    return signs & Q(**{f"{amount}__gte": Round(reduce(add, map(F, shares)), precision=2)})
