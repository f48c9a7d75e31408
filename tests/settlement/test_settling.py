"""After a session every cent goes where attendance says, once."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from enrollments.services.purchasing import purchase_session
from payments import audit
from payments.models import Transfer
from rooms import livekit
from rooms.services.events import store_event
from settlement import verdicts
from settlement.services import settling
from settlement.services.settling import Tally
from tests.balances import balance
from tests.conversations import Room, attend, hear
from tests.factories import break_calling_off, end_session, start_session, student_with_credit
from tests.settlement.taking_place import (
    HOUR,
    course,
    enrollment,
    fresh,
    purchase,
    session,
    settle,
    student,
    take_place,
    teacher,
)

__all__ = ["course", "enrollment", "purchase", "session", "student", "teacher"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured", "books_are_clean")]


class TestSingle:
    def test_attended_goes_to_the_teacher(self, student, teacher, session, purchase):
        take_place(session, student, teacher, minutes=40)
        assert settle() == Tally(released=1, completed=1, released_amount=Decimal("16.00"))
        bought, hold = fresh(purchase), fresh(purchase.hold)
        assert (bought.status, bought.attended) == ("attended", True)
        assert bought.attendance_duration_minutes == 40
        assert (bought.payment_status, bought.refund_amount) == ("paid", 0)
        assert (hold.status, hold.released_amount, hold.release_percentage) == ("released", 16, 100)
        assert hold.released_at
        assert balance(teacher, "earnings") == Decimal("11.20")
        assert fresh(session).status == "completed"
        assert [event.event for event in hold.timeline] == ["held", "released"]

    def test_missed_comes_back(self, student, teacher, session, purchase):
        end_session(session, ago=HOUR)
        room = Room(session)
        hear(*room.throughout(*room.visit(teacher, 0, 60), *room.visit(student, 50, 60)))
        assert settle() == Tally(refunded=1, completed=1, refunded_amount=Decimal("16.00"))
        bought = fresh(purchase)
        assert (bought.status, bought.attended) == ("missed", False)
        assert bought.attendance_duration_minutes == 10
        assert (bought.payment_status, bought.refund_amount) == ("refunded", 16)
        assert (fresh(purchase.hold).status, balance(student, "wallet")) == ("refunded", 100)
        assert fresh(purchase.hold).parts.get().reason == "missed"

    def test_missed_may_be_the_students_loss(self, student, teacher, session, purchase, settings):
        settings.NO_SHOW = "release"
        take_place(session, teacher)
        assert settle().released == 1
        assert fresh(purchase).status == "missed"
        assert balance(teacher, "earnings") == Decimal("11.20")

    def test_without_the_teacher_all_comes_back(self, student, teacher, session, purchase):
        other = student_with_credit("16.00")
        missed = purchase_session(student=other, session_id=session.pk)
        end_session(session, ago=HOUR)
        room = Room(session)
        hear(*room.throughout(*room.visit(student, 0, 60), *room.visit(teacher, 0, 11)))
        assert settle().refunded_amount == Decimal("32.00")
        for bought, was_there in ((fresh(purchase), True), (fresh(missed), False)):
            assert (bought.status, bought.attended) == ("cancelled", was_there)
            assert bought.cancelled_at
            assert fresh(bought.hold).parts.get().reason == "teacher_absent"
        assert fresh(purchase).attendance_duration_minutes == 60

    @pytest.mark.parametrize(("minutes", "status"), [(11.9, "missed"), (12, "attended")])
    def test_the_threshold(self, student, teacher, session, purchase, minutes, status):
        end_session(session, ago=HOUR)
        room = Room(session)
        hear(*room.throughout(*room.visit(teacher, 0, 60), *room.visit(student, 0, minutes)))
        settle()
        assert fresh(purchase).status == status

    def test_another_threshold(self, student, teacher, session, purchase, settings):
        settings.ATTENDANCE_THRESHOLD_PERCENT = 50
        end_session(session, ago=HOUR)
        room = Room(session)
        hear(*room.throughout(*room.visit(teacher, 0, 60), *room.visit(student, 0, 29)))
        settle()
        assert fresh(purchase).status == "missed"


class TestWhen:
    @pytest.mark.parametrize("ago", [timedelta(0), timedelta(minutes=29)])
    def test_not_before_the_grace_is_over(self, student, teacher, session, purchase, ago):
        end_session(session, ago=ago)
        attend(session, student, teacher)
        assert settle() == Tally()
        assert fresh(session).status == "live"

    def test_not_while_it_runs_or_is_to_come(self, purchase, session, enrollment):
        assert settle() == Tally()
        start_session(session)
        assert settle() == Tally()

    def test_once(self, student, teacher, session, purchase):
        take_place(session, student, teacher)
        settle()
        moved = Transfer.objects.count()
        assert settle() == Tally()
        assert Transfer.objects.count() == moved

    def test_a_session_without_students_is_completed(self, session):
        end_session(session, ago=HOUR)
        assert settle() == Tally(completed=1)

    def test_not_while_events_wait(self, student, teacher, session, purchase, monkeypatch):
        """Half of the evidence decides nothing."""
        room = take_place(session, teacher)
        body = room.joined(student, 0).decode()
        store_event(livekit.read(body), body)
        monkeypatch.setattr(settling, "waiting_events", list)
        assert settle() == Tally()
        monkeypatch.undo()
        assert settle() == Tally(
            events=1, released=1, completed=1, released_amount=Decimal("16.00")
        )


def told_by_the_audit():
    [notices] = [finding.notices for finding in audit.run() if finding.code == "I12"]
    return [notice.problem.partition(" (")[0] for notice in notices]


class TestReview:
    def test_nothing_heard_moves_nothing(self, student, session, purchase):
        end_session(session, ago=HOUR)
        assert settle() == Tally(reviewed=1, completed=1)
        part = fresh(purchase.hold).parts.get()
        assert (part.status, part.review_reason) == ("pending", verdicts.NO_EVIDENCE)
        assert (fresh(purchase).status, balance(student, "wallet")) == ("active", 84)
        assert fresh(session).status == "completed"
        assert settle() == Tally()
        assert told_by_the_audit() == ["under review: staff decide"]

    def test_an_empty_room_is_evidence(self, purchase, session):
        end_session(session, ago=HOUR)
        hear(*Room(session).throughout())
        assert settle().refunded == 1

    def test_a_late_event_is_for_staff(self, student, teacher, session, purchase):
        room = take_place(session, teacher)
        settle()
        hear(*room.visit(student, 0, 45))
        part = fresh(purchase.hold).parts.get()
        assert part.review_reason == (
            "According to late events, the teacher was there for 60 minutes, the student for 45."
        )
        assert (part.status, fresh(purchase).status) == ("refunded", "missed")
        assert settle() == Tally()
        assert told_by_the_audit() == ["settled, but late events say otherwise: staff look"]

    def test_a_late_event_of_the_teacher_is_for_staff(self, student, teacher, session, purchase):
        room = take_place(session, student)
        settle()
        hear(*room.visit(teacher, 0, 60))
        part = fresh(purchase.hold).parts.get()
        assert (part.status, part.reason) == ("refunded", "teacher_absent")
        assert part.review_reason.startswith(
            "According to late events, the teacher was there for 60 minutes"
        )

    def test_a_late_event_that_changes_nothing_is_none(self, student, teacher, session, purchase):
        room = take_place(session, student, teacher)
        settle()
        hear(room.event("participant_left", 75, student), room.finished(80), room.started())
        assert fresh(purchase.hold).parts.get().review_reason == ""

    def test_events_before_settlement_leave_no_note(self, student, teacher, session, purchase):
        take_place(session, student, teacher)
        assert fresh(purchase.hold).parts.get().review_reason == ""

    def test_what_comes_while_staff_decide_is_told_them(self, student, session, purchase):
        end_session(session, ago=HOUR)
        settle()
        hear(*Room(session).visit(student, 0, 30))
        part = fresh(purchase.hold).parts.get()
        assert part.review_reason.endswith("the student for 30 to 60.")
        assert part.status == "pending"


def test_what_a_crashed_cancellation_left_is_refunded(student, session, purchase):
    break_calling_off(session)
    assert settle() == Tally(swept=1)
    assert (fresh(purchase).status, balance(student, "wallet")) == ("cancelled", 100)
    assert settle() == Tally()


class TestCommand:
    def run(self, **options):
        out = StringIO()
        call_command("settle_sessions", stdout=out, **options)
        return out.getvalue()

    def test_it_tells_people(self, student, teacher, session, purchase):
        take_place(session, student, teacher)
        told = self.run()
        assert told == (
            "released 1 ($16.00), refunded 0 ($0.00), under review 0, "
            "sessions completed 1, events 0\n"
        )

    def test_it_tells_machines(self, student, teacher, session, purchase):
        take_place(session, teacher)
        told = json.loads(self.run(json=True))
        assert told.pop("seconds") >= 0
        assert told == {
            "events": 0,
            "swept": 0,
            "released": 0,
            "refunded": 1,
            "reviewed": 0,
            "ended": 0,
            "completed": 1,
            "busy": 0,
            "failed": 0,
            "released_amount": "0.00",
            "refunded_amount": "16.00",
        }

    def test_one_that_fails_keeps_no_other_waiting(
        self, student, teacher, session, purchase, monkeypatch
    ):
        other = purchase_session(student=student_with_credit("16.00"), session_id=session.pk)
        take_place(session, student, other.user, teacher)
        judge = settling.verdict_on

        def fail(part, *rest):
            if part.hold_id == purchase.hold.pk:
                raise RuntimeError("a defect")
            return judge(part, *rest)

        monkeypatch.setattr(settling, "verdict_on", fail)
        with pytest.raises(CommandError, match="1 failed"):
            self.run()
        assert fresh(other).status == "attended"
        assert (fresh(purchase).status, fresh(session).status) == ("active", "live")
        monkeypatch.undo()
        self.run()
        assert (fresh(purchase).status, fresh(session).status) == ("attended", "completed")
