"""How much credit goes back, and to which of the payments that it came from."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.errors import TooManyAttempts
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from payments import refunding
from payments.errors import InDispute, NotRefundable, OwnCredit
from payments.models import HoldPart, TopUp, Transfer
from payments.services import refunds
from payments.services.refunds import preview_refund, settle_refund
from payments.wallets import credit_of, standing_of
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.factories import (
    DAY,
    StaffFactory,
    UserFactory,
    make_course,
    student_with_credit,
    top_up_of,
)
from tests.payments.giving_back import FIVE, age, ask_for, refundable_by
from tests.payments.paying import TWENTY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_are_clean")]


@pytest.fixture
def rehearsed(settings):
    settings.PAYMENTS, settings.STRIPE_SECRET_KEY = "rehearsal", ""


@pytest.mark.usefixtures("rehearsed")
class TestHowMuch:
    def test_no_more_than_was_paid_and_no_more_than_there_is(self):
        user = student_with_credit("30.00")
        assert refundable_by(user) == 0
        top_up_of(user, "20.00")
        assert refundable_by(user) == TWENTY
        # 45.00 are spent: what was granted counts as spent first.
        for _ in range(3):
            session = make_course(sessions=1, price_per_session="15.00").sessions.get()
            purchase_session(student=user, session_id=session.pk)
        assert refundable_by(user) == FIVE
        with pytest.raises(NotRefundable) as refused:
            ask_for(user, "5.01")
        assert refused.value.details == {"refundable": "5.00"}

    def test_the_newest_first_each_up_to_its_rest(self):
        user = UserFactory()
        old, new = top_up_of(user, "20.00"), top_up_of(user, "10.00")
        made = ask_for(user, "12.00")
        assert [(row.top_up, row.amount) for row in made.rows.order_by("pk")] == [
            (new, Decimal("10.00")),
            (old, Decimal("2.00")),
        ]
        assert [
            (one.top_up, one.amount) for one in preview_refund(user, credit=credit_of(user))
        ] == [(old, Decimal("18.00"))]
        assert standing_of(user).credit == Decimal("18.00")

    def test_its_user_has_some_time_and_staff_any(self, settings):
        settings.TOP_UP_REFUND_DAYS = 60
        user, clerk = UserFactory(), StaffFactory()
        age(top_up_of(user), 61)
        top_up_of(user, "5.00")
        assert refundable_by(user) == FIVE
        with pytest.raises(NotRefundable):
            ask_for(user, "5.01")
        made = ask_for(user, "25.00", actor=clerk, reason="Moved away")
        assert {row.asked_by for row in made.rows.all()} == {clerk}

    def test_what_a_teacher_called_off_goes_back_for_some_time_however_old(self, settings):
        settings.TOP_UP_REFUND_DAYS = 60
        user = UserFactory()
        age(top_up_of(user, "60.00"), 200)
        course = make_course(sessions=2, price_full_course="30.00")
        enroll_full_course(student=user, course_id=course.pk)
        assert refundable_by(user) == 0
        session = course.sessions.first()
        cancel_session(session_id=session.pk, actor=course.teacher)
        assert refundable_by(user) == Decimal("15.00")
        ask_for(user, "6.00")
        assert refundable_by(user) == Decimal("9.00")
        ago = {"settled_at": timezone.now() - timedelta(days=15)}
        HoldPart.objects.filter(session=session).update(**ago)
        assert refundable_by(user) == 0

    def test_what_went_takes_the_oldest_that_still_counted(self):
        now = timezone.now()
        came = [(now - 20 * DAY, Decimal(50)), (now - DAY, Decimal(30))]
        went = [(now - 10 * DAY, Decimal(50))]
        assert refunding._left(came, went, now) == 30
        assert refunding._left(came, [(now - DAY / 2, Decimal(20))], now) == 10

    def test_a_day_has_so_many(self, monkeypatch):
        monkeypatch.setattr(refunds, "PER_DAY", 2)
        user = UserFactory()
        top_up_of(user)
        for _ in range(2):
            ask_for(user, "1.00")
        with pytest.raises(TooManyAttempts):
            ask_for(user, "1.00")
        ask_for(user, "1.00", actor=StaffFactory())

    def test_what_a_bank_has_does_not_go_back(self):
        user = UserFactory()
        top_up = top_up_of(user)
        with disputed(top_up):
            assert refundable_by(user) == 0
            with pytest.raises(InDispute):
                ask_for(user, "5.00")
        ask_for(user, "5.00")

    def test_staff_are_no_party_and_have_the_right(self):
        user, clerk = UserFactory(), StaffFactory()
        top_up_of(clerk)
        with pytest.raises(OwnCredit):
            ask_for(clerk, "5.00", actor=clerk)
        make_groups()
        support = StaffFactory(is_superuser=False)
        support.groups.add(Group.objects.get(name="support"))
        with pytest.raises(PermissionDenied):
            ask_for(user, "5.00", actor=support)

    def test_money_of_a_rehearsal_goes_back_there(self):
        user = UserFactory()
        top_up_of(user)
        done = settle_refund(ask_for(user, "20.00").pk)
        assert (done.status, done.next_look_at) == ("succeeded", None)
        sent = Transfer.objects.get(kind="payback_sent")
        assert sent.credit_account.kind == "rehearsal"


@contextmanager
def disputed(top_up):
    """A bank has a part of a top-up, for as long as this lasts; the books of it are not kept."""
    rows = TopUp.objects.filter(pk=top_up.pk)
    rows.update(disputed_amount=FIVE)
    yield
    rows.update(disputed_amount=0)
