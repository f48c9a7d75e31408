"""Whose payments earned what is to be paid out."""

import pytest

from payments import provenance
from payments.provenance import payers_of
from tests.factories import TeacherFactory, earn, student_with_credit

pytestmark = pytest.mark.django_db


def test_who_earns_often_hides_nobody_elses_payers(monkeypatch):
    monkeypatch.setattr(provenance, "RELEASES", 1)
    seldom, often, student = TeacherFactory(), TeacherFactory(), student_with_credit("10.00")
    earn(seldom, "10.00", student=student)
    for _ in range(3):
        earn(often, "10.00")
    found = payers_of([seldom.pk, often.pk])
    assert [(payer.student, payer.amount) for payer in found[seldom.pk]] == [(student, 10)]
    assert [payer.amount for payer in found[often.pk]] == [10]
