"""A teacher who has earned 100.00, staff who pay it out, and how far that is."""

from decimal import Decimal

import pytest

from accounts.models import User
from payments.models import LedgerAccount
from tests.factories import StaffFactory, TeacherFactory, earn


@pytest.fixture
def teacher() -> User:
    teacher = TeacherFactory()
    earn(teacher, "100.00")
    return teacher


@pytest.fixture
def staff() -> User:
    return StaffFactory()


def balances(user: User) -> tuple[Decimal, Decimal]:
    """What is available, and what is being withdrawn."""
    kinds = dict(LedgerAccount.objects.filter(owner=user).values_list("kind", "balance"))
    return kinds["earnings"], kinds["withdrawing"]
