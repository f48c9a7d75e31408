"""Damage to what was bought, and to what it was paid with."""

from decimal import Decimal

from django.db.models import F
from django.utils import timezone

from courses.models import Course, CourseSession
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.purchasing import purchase_session
from payments.models import HoldPart
from tests.factories import DAY, make_course, start_session
from tests.payments.damages.world import Damages, World, change


def price_changed(world: World) -> None:
    change(CourseEnrollment, {"pk": world.enrollment.pk}, total_price_paid=Decimal("99.50"))


def purchase_price_changed(world: World) -> None:
    change(SessionPurchase, {"pk": world.purchase.pk}, price_paid=Decimal("15.00"))


def refund_forgotten(world: World) -> None:
    change(SessionPurchase, {"pk": world.returned.pk}, refund_amount=0)


def refund_of_enrollment_forgotten(world: World) -> None:
    change(CourseEnrollment, {"pk": world.cancelled.pk}, refund_amount=0)


def enrollment_without_hold(world: World) -> None:
    course = make_course()
    CourseEnrollment.objects.create(user=world.bob, course=course, total_price_paid=1)
    change(Course, {"pk": course.pk}, current_students=1)


def purchase_without_hold(world: World) -> None:
    session = make_course().sessions.all()[0]
    SessionPurchase.objects.create(
        user=world.bob, course=session.course, session=session, price_paid=1
    )


def hold_of_another_session(world: World) -> None:
    other = world.other.sessions.all()[1]
    change(SessionPurchase, {"pk": world.single.pk}, session=other)


def cancelled_without_refund(world: World) -> None:
    change(CourseEnrollment, {"pk": world.enrollment.pk}, status="cancelled")
    change(Course, {"pk": world.course.pk}, current_students=F("current_students") - 1)


def purchase_cancelled_without_refund(world: World) -> None:
    change(SessionPurchase, {"pk": world.single.pk}, status="cancelled")


def count_wrong(world: World) -> None:
    change(Course, {"pk": world.course.pk}, current_students=2)


def session_oversold(world: World) -> None:
    """One seat for the enrolment, none for who bought the next session singly."""
    purchase_session(student=world.bob, session_id=world.second.pk)
    change(Course, {"pk": world.course.pk}, max_students=1)


def bought_both_ways(world: World) -> None:
    change(SessionPurchase, {"pk": world.single.pk}, session=world.second)
    change(HoldPart, {"hold__session_purchase": world.single}, session=world.second)


def session_settled_too_early(world: World) -> None:
    change(CourseSession, {"pk": world.second.pk}, status="completed")


def more_admitted_than_seats(world: World) -> None:
    """A running session: nothing of it is for sale, and one too many may enter."""
    purchase_session(student=world.bob, session_id=world.second.pk)
    start_session(world.second)
    change(Course, {"pk": world.course.pk}, max_students=1)


def next_start_forgotten(world: World) -> None:
    change(Course, {"pk": world.course.pk}, next_starts_at=None)


def next_start_of_no_session(world: World) -> None:
    change(Course, {"pk": world.course.pk}, next_starts_at=timezone.now() + 400 * DAY)


DAMAGES: Damages = [
    (price_changed, "I6"),
    (purchase_price_changed, "I6"),
    (refund_forgotten, "I6"),
    (refund_of_enrollment_forgotten, "I6"),
    (enrollment_without_hold, "I6"),
    (purchase_without_hold, "I6"),
    (hold_of_another_session, "I6"),
    (cancelled_without_refund, "I6"),
    (purchase_cancelled_without_refund, "I6"),
    (count_wrong, "I7"),
    (session_oversold, "I7 I15"),
    (bought_both_ways, "I8"),
    (session_settled_too_early, "I12 I21"),
    (more_admitted_than_seats, "I15"),
    (next_start_forgotten, "I21"),
    (next_start_of_no_session, "I21"),
]
