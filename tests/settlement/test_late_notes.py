"""What late events say against a settlement: staff read it, and put it aside with a reason."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group

from common.errors import NotFound
from enrollments.errors import PartyToHold
from enrollments.services.enrolling import enroll_full_course
from payments import audit
from payments.models import HoldPart, LedgerAccount, PaymentHold
from settlement.admin.deciding import name_of
from settlement.errors import NoteChanged
from settlement.services.deciding import dismiss_note, parts_with_notes, refund_hold
from settlement.services.settling import settle_all
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.conversations import Room, attend, hear
from tests.factories import StaffFactory, end_session, make_course, student_with_credit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]

LIST = "/admin/payments/paymenthold/"
DISMISS = f"{LIST}decide/dismiss/"


@pytest.fixture
def boss(client):
    make_groups()
    boss = StaffFactory(is_superuser=False)
    boss.groups.add(Group.objects.get(name="finance"))
    client.force_login(boss)
    return boss


@pytest.fixture
def part(boss):
    """Missed, as far as was known when it was settled; then the student's connection came."""
    course = make_course(sessions=2, price_full_course="40.00")
    student = student_with_credit("40.00", email="ada@example.com")
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    session = course.sessions.get(session_number=1)
    end_session(session, ago=timedelta(hours=1))
    attend(session, course.teacher)
    list(settle_all())
    hear(*Room(session).visit(student, 0, 45))
    return enrollment.hold.parts.select_related("hold", "session").get(session=session)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def waiting() -> list[str]:
    told = [offender.problem for finding in audit.run() for offender in finding.notices]
    return [problem for problem in told if "late events" in problem]


def found(client) -> list[PaymentHold]:
    return list(client.get(LIST, {"attention": "late"}).context["cl"].result_list)


def said(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def body(*parts: HoldPart, reason: str = "The room was another one", **changes: str) -> dict:
    notes = {f"told-{part.pk}": part.review_reason for part in parts}
    sent = {"hold": [part.hold_id for part in parts], "part": [part.pk for part in parts]}
    return sent | notes | {"reason": reason} | changes


def test_it_no_longer_waits_once_it_is_dismissed(client, boss, part):
    note = part.review_reason
    assert note
    assert waiting()
    assert found(client) == [part.hold]
    page = client.post(DISMISS, body(part), follow=True)
    assert said(page) == [f"{name_of(part.hold)}: dismissed the note of {part.session}, “{note}”."]
    assert (waiting(), found(client), parts_with_notes().count()) == ([], [], 0)
    after = fresh(part)
    assert (after.status, after.reason, after.review_reason) == ("refunded", "missed", "")
    assert LedgerAccount.objects.get(owner=part.hold.student, kind="wallet").balance == 20
    entry = LogEntry.objects.get(object_id=str(part.hold_id))
    assert entry.user == boss
    assert note in entry.change_message
    assert "The room was another one" in entry.change_message
    assert note in client.get(f"{LIST}{part.hold_id}/history/").content.decode()


def test_the_hold_says_what_waits_and_leads_there(client, part):
    page = client.get(f"{LIST}{part.hold_id}/change/").content.decode()
    assert f"Missed; {part.review_reason}" in page
    assert f"{DISMISS}?hold={part.hold_id}" in page
    asked = client.get(DISMISS, {"hold": part.hold_id}).content.decode()
    assert part.review_reason in asked
    client.post(DISMISS, body(part))
    assert DISMISS not in client.get(f"{LIST}{part.hold_id}/change/").content.decode()
    assert "No late event" in client.get(DISMISS, {"hold": part.hold_id}).content.decode()


def test_the_list_asks_first(client, part):
    action = {"action": "dismiss", "_selected_action": [part.hold_id]}
    assert part.review_reason in client.post(LIST, action).content.decode()
    assert "?attention=late" in client.get("/admin/").content.decode()
    assert fresh(part).review_reason == part.review_reason


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_asked_for(client, part, reason):
    page = client.post(DISMISS, body(part, reason=reason))
    assert page.status_code == 200
    assert page.context["form"].errors
    assert fresh(part).review_reason == part.review_reason


def test_a_note_that_says_something_else_by_now_stays(client, part):
    """Another event has come since the page was read."""
    hear(*Room(part.session).visit(part.hold.student, 45, 60))
    newer = fresh(part).review_reason
    assert newer != part.review_reason
    page = client.post(DISMISS, body(part), follow=True)
    assert said(page) == [f"{name_of(part.hold)}: {NoteChanged()}"]
    assert fresh(part).review_reason == newer
    assert not LogEntry.objects.filter(object_id=str(part.hold_id)).exists()
    client.post(DISMISS, body(fresh(part)))
    assert waiting() == []


def test_an_event_that_comes_afterwards_is_a_note_again(client, part):
    client.post(DISMISS, body(part))
    hear(*Room(part.session).visit(part.hold.student, 45, 60))
    assert found(client) == [part.hold]


def test_without_a_tick_no_note_is_dismissed(client, part):
    page = client.post(DISMISS, body(part) | {"part": []}, follow=True)
    assert said(page) == [f"{name_of(part.hold)}: left as it is."]
    assert waiting()
    assert not LogEntry.objects.exists()


def test_sent_twice_it_is_done_once(client, part):
    client.post(DISMISS, body(part))
    again = client.post(DISMISS, body(part), follow=True)
    assert said(again)[-1] == f"{name_of(part.hold)}: {NoteChanged()}"
    assert LogEntry.objects.filter(object_id=str(part.hold_id)).count() == 1


@pytest.mark.parametrize("role", ["student", "teacher", "referrer"])
def test_nobody_puts_aside_what_is_about_their_own(client, boss, part, role):
    PaymentHold.objects.filter(pk=part.hold_id).update(**{role: boss})
    asked = client.get(DISMISS, {"hold": part.hold_id}).content.decode()
    assert "Part of this payment is yours" in asked
    assert 'type="submit"' not in asked.partition("<main")[2]
    page = client.post(DISMISS, body(part), follow=True)
    assert said(page) == [f"{name_of(fresh(part.hold))}: {PartyToHold()}"]
    with pytest.raises(PartyToHold):
        dismiss_note(part_id=part.pk, note=part.review_reason, actor=boss)
    assert fresh(part).review_reason == part.review_reason


def test_what_waits_for_a_decision_is_decided_and_not_dismissed(client, boss, part):
    """It is no note of a late event, before the decision or after it."""
    other = HoldPart.objects.exclude(pk=part.pk).get(hold=part.hold)
    HoldPart.objects.filter(pk=other.pk).update(review_reason="Nobody knows")
    with pytest.raises(NoteChanged):
        dismiss_note(part_id=other.pk, note="Nobody knows", actor=boss)
    refund_hold(hold_id=part.hold_id, actor=boss, reason="A complaint", part_ids=[other.pk])
    with pytest.raises(NoteChanged):
        dismiss_note(part_id=other.pk, note="Nobody knows", actor=boss)
    assert list(parts_with_notes()) == [part]
    with pytest.raises(NotFound):
        dismiss_note(part_id=uuid4(), note="x", actor=boss)


def test_support_looks_and_does_not_touch(client, part):
    clerk = StaffFactory(is_superuser=False)
    clerk.groups.add(Group.objects.get(name="support"))
    client.force_login(clerk)
    assert found(client) == [part.hold]
    assert DISMISS not in client.get(f"{LIST}{part.hold_id}/change/").content.decode()
    assert client.get(DISMISS, {"hold": part.hold_id}).status_code == 403
    assert client.post(DISMISS, body(part)).status_code == 403
    assert fresh(part).review_reason == part.review_reason
