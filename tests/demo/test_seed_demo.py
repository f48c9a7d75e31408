"""The demo world: once, into an empty database, with every state that a course can be in."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import TestCase
from django.utils import timezone

from accounts.models import User
from courses.models import Course, CourseSession
from demo import data
from enrollments.models import CourseEnrollment, EnrollmentStatus, PurchaseStatus, SessionPurchase
from notices.models import Notice
from notices.rendering import SPEECHLESS, text_of
from notices.sending import is_anything_due
from payments import audit
from payments.models import HoldPart, Transfer
from tests.factories import UserFactory, access_to

pytestmark = pytest.mark.django_db


def seed(*args: str) -> str:
    out = StringIO()
    call_command("seed_demo", *args, stdout=out)
    return out.getvalue()


def parts(reason: str):
    return HoldPart.objects.filter(reason=reason, status=HoldPart.Status.REFUNDED)


class TestTheWorld(TestCase):
    """One world, which these only look at."""

    @classmethod
    def setUpTestData(cls):
        cls.logins = seed()

    def test_everybody_can_sign_in_with_what_is_printed(self):
        assert data.PASSWORD in self.logins
        printed = {word for word in self.logins.split() if "@" in word}
        assert printed == set(User.objects.values_list("email", flat=True))
        assert all(authenticate(username=email, password=data.PASSWORD) for email in printed)
        assert User.objects.get(is_superuser=True).is_staff
        clerks = User.objects.filter(is_staff=True, is_superuser=False)
        assert set(clerks.values_list("groups__name", flat=True)) == {"support", "finance"}
        assert User.objects.filter(is_teacher=True).count() == len(data.TEACHERS)

    def test_courses_are_in_every_state(self):
        now = timezone.now()
        published = Course.objects.published()
        to_come = CourseSession.objects.filter(starts_at__gt=now)
        over = CourseSession.objects.filter(starts_at__lte=now)
        assert Course.objects.count() >= 12
        assert published.exclude(sessions__in=over).exists(), "upcoming"
        assert published.filter(sessions__in=over).filter(sessions__in=to_come).exists(), "started"
        assert published.exclude(sessions__in=to_come).exists(), "ended"
        assert published.filter(current_students=F("max_students")).exists(), "sold out"
        assert Course.objects.filter(status="draft", sessions=None).exists(), "free of sessions"
        assert Course.objects.filter(status="archived", current_students__gt=0).exists(), "archived"

    def test_a_room_is_open_to_those_who_bought_its_session(self):
        live = [s for s in CourseSession.objects.all() if s.starts_at <= timezone.now() < s.ends_at]
        assert live
        buyer = User.objects.filter(sessionpurchases__session=live[0]).first()
        assert access_to(live[0], buyer).has_access

    def test_everything_that_can_happen_to_a_booking_has_happened(self):
        assert CourseEnrollment.objects.filter(status=EnrollmentStatus.CANCELLED).exists()
        assert SessionPurchase.objects.filter(status=PurchaseStatus.ACTIVE).exists()
        reasons = HoldPart.Reason
        assert parts(reasons.FOLDED).count() == 7
        assert (
            parts(reasons.STUDENT_CANCELLED).filter(hold__session_purchase__isnull=False).exists()
        )
        called_off = parts(reasons.SESSION_CANCELLED)
        assert called_off.filter(hold__enrollment__status=EnrollmentStatus.ACTIVE).exists()
        assert called_off.filter(hold__session_purchase__status=PurchaseStatus.CANCELLED).exists()

    def test_sessions_in_the_past_had_every_outcome(self):
        settled = HoldPart.objects.filter(session__starts_at__lt=timezone.now())
        reasons = HoldPart.Reason
        assert settled.filter(
            status="released", reason=reasons.ATTENDED, referrer_amount__gt=0
        ).exists()
        assert settled.filter(status="refunded", reason=reasons.MISSED).exists()
        assert settled.filter(status="refunded", reason=reasons.TEACHER_ABSENT).exists()
        assert settled.filter(status="pending").exclude(review_reason="").exists()
        timed = SessionPurchase.objects.filter(attendance_duration_minutes__gt=0)
        assert set(timed.values_list("status", flat=True)) == {"attended", "missed"}
        assert CourseEnrollment.objects.filter(status="completed").exists()
        assert not CourseSession.objects.settling_at(timezone.now()).filter(status="live").exists()
        assert all(
            part.settled_at >= part.session.settles_at
            for part in settled.filter(
                reason__in=[reasons.ATTENDED, reasons.MISSED, reasons.TEACHER_ABSENT]
            ).select_related("session")
        )

    def test_one_session_was_moved_after_the_sale_and_no_other_looks_so(self):
        moved = HoldPart.objects.exclude(sold_starts_at=F("session__starts_at"))
        assert moved.values("session").distinct().count() == 1

    def test_nobody_bought_what_had_started(self):
        bought = HoldPart.objects.select_related("hold")
        assert bought.filter(sold_starts_at__lt=timezone.now()).exists()
        assert all(part.hold.held_at < part.sold_starts_at for part in bought)
        late = CourseEnrollment.objects.filter(total_price_paid__lt=F("course__price_full_course"))
        assert late.exists()

    def test_nothing_is_left_to_send(self):
        assert Notice.objects.filter(kind="session_moved", read_at=None).exists()
        assert not Notice.objects.exclude(mail="none").exists()
        assert not User.objects.filter(proved_since=None).exists()

    def test_what_people_were_told_can_be_said(self):
        assert SPEECHLESS not in {text_of(one) for one in Notice.objects.filter(is_notice=True)}

    def test_money_was_moved_by_the_books(self):
        assert [finding for finding in audit.run() if not finding.ok] == []
        first = Transfer.objects.order_by("created_at").first()
        assert first.kind == Transfer.Kind.GRANT
        assert first.created_at < timezone.now() - timedelta(days=30)
        assert User.objects.filter(referred_by__isnull=False).exists()


def test_nobody_is_reminded_of_what_lay_ahead_while_it_was_made():
    """Late in the evening, when sessions of tomorrow are less than a day away."""
    with time_machine.travel(timezone.now().replace(hour=22)):
        seed()
        assert Notice.objects.filter(kind="reminder_day").exists()
        call_command("remind", stdout=StringIO())
        assert not is_anything_due()


def test_it_refuses_a_database_in_use():
    UserFactory()
    with pytest.raises(CommandError, match="not empty"):
        seed()
    assert User.objects.count() == 1


def test_if_empty_makes_the_world_once():
    assert "student" in seed("--if-empty")
    before = Transfer.objects.count()
    assert seed("--if-empty") == ""
    assert Transfer.objects.count() == before
