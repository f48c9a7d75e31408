"""Staff look at a dispute, cancel what its payer has booked and not had, and gather an answer."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group

from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.models import HoldPart, PaymentHold
from payments.services.refunds import request_refund, settle_refund
from payments.wallets import standing_of
from rooms.models import Attendance
from settlement.services.disputes import unstarted_of
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    disputed,
    earn,
    end_session,
    give_credit,
    make_course,
    start_session,
    top_up_of,
    withdraw,
)

pytestmark = pytest.mark.django_db
LIST = "/admin/payments/dispute/"
CANCEL = f"{LIST}decide/cancel/"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _books(broken):
    yield
    assert broken() == {}


def of_group(client, name):
    make_groups()
    clerk = StaffFactory(is_superuser=False)
    clerk.groups.add(Group.objects.get(name=name))
    client.force_login(clerk)
    return clerk


@pytest.fixture
def clerk(client):
    return of_group(client, "finance")


@pytest.fixture
def ada(clerk):
    """Ada topped up 120.00 and spent 116.00: of the course, a third is over."""
    ada = UserFactory(email="ada@example.com")
    ada.top_up = top_up_of(ada, "120.00")
    ada.course = make_course(sessions=3, title="Spanish to go")
    enroll_full_course(student=ada, course_id=ada.course.pk)
    ada.chess = make_course(sessions=1, title="Chess")
    purchase_session(student=ada, session_id=ada.chess.sessions.get().pk)
    end_session(ada.course.sessions.get(session_number=1), ago=DAY)
    ada.dispute = disputed(ada.top_up, "-120.00")
    return ada


def holds(ada):
    return list(PaymentHold.objects.of(ada).order_by("pk"))


def body(ada, *chosen, **told):
    shown = {hold.pk: sum(p.amount for p in parts) for hold, parts in unstarted_of(ada.pk)}
    sent = {f"told-{key}": str(told.get(key.hex, amount)) for key, amount in shown.items()}
    keys = [hold.pk for hold in chosen]
    return sent | {"dispute": ada.dispute.pk, "part": keys, "reason": "Their bank took it back"}


def said(page):
    return [str(message) for message in page.context["messages"]]


def stands(user):
    found = standing_of(user)
    return str(found.credit), str(found.owed)


def test_the_page_shows_the_money_and_what_is_still_to_come(client, ada):
    page = client.get(f"{LIST}{ada.dispute.pk}/change/").content.decode()
    for words in ("needs_response", "Spanish to go", "2 sessions, $66.67", "Chess", "$16.00"):
        assert words in page
    assert f"{CANCEL}?dispute={ada.dispute.pk}" in page
    assert f"{LIST}{ada.dispute.pk}/answer/" in page


def test_what_is_to_come_is_cancelled_as_it_was_shown_and_pays_the_debt(client, ada):
    assert stands(ada) == ("0.00", "116.00")
    page = client.get(CANCEL, {"dispute": ada.dispute.pk}).content.decode()
    assert "$82.67 comes back: $82.67 pays what they owe, the rest is credit." in page
    done = client.post(CANCEL, body(ada, *holds(ada)), follow=True)
    assert said(done) == [
        f"Dispute {ada.dispute}: cancelled Spanish to go, $66.67 back;"
        " cancelled Chess, $16.00 back."
    ]
    assert stands(ada) == ("0.00", "33.33")
    left = HoldPart.objects.filter(hold__student=ada, status="pending")
    assert [part.session.session_number for part in left] == [1]
    assert "Their bank took it back" in LogEntry.objects.get().change_message
    again = client.get(f"{LIST}{ada.dispute.pk}/change/").content.decode()
    assert f"{CANCEL}?dispute=" not in again


def test_what_is_unticked_stays(client, ada):
    _, chess = holds(ada)
    client.post(CANCEL, body(ada, chess))
    assert stands(ada) == ("0.00", "100.00")
    assert unstarted_of(ada.pk)[0][0].enrollment


def test_nothing_is_cancelled_that_is_not_as_it_was_shown(client, ada):
    """A session has begun since the page was opened: neither it nor the rest is refunded."""
    course, chess = holds(ada)
    sent = body(ada, course, chess)
    start_session(ada.course.sessions.get(session_number=2))
    done = client.post(CANCEL, sent, follow=True)
    assert said(done) == [
        f"Dispute {ada.dispute}: left Spanish to go as it is:"
        " $33.34 would come back by now, not $66.67."
        " Nothing was cancelled.; cancelled Chess, $16.00 back."
    ]
    assert stands(ada) == ("0.00", "100.00")


def test_what_the_teacher_was_paid_is_not_taken(client, clerk):
    teacher, student = TeacherFactory(), UserFactory()
    top_up = top_up_of(student, "100.00")
    earn(teacher, "70.00", student=student)
    disputed(top_up, "-100.00")
    assert teacher.ledger_accounts.get(kind="earnings").balance == 70


def test_nobody_cancels_where_their_own_money_is(client, ada, clerk):
    PaymentHold.objects.filter(student=ada).update(referrer=clerk)
    page = client.get(CANCEL, {"dispute": ada.dispute.pk}).content.decode()
    assert "disabled" in page
    client.post(CANCEL, body(ada, *holds(ada)))
    assert stands(ada) == ("0.00", "116.00")


def test_support_may_look_and_not_cancel(client, ada):
    of_group(client, "support")
    assert client.get(f"{LIST}{ada.dispute.pk}/change/").status_code == 200
    assert client.get(CANCEL, {"dispute": ada.dispute.pk}).status_code == 403
    assert client.post(CANCEL, body(ada, *holds(ada))).status_code == 403


# --- the answer -----------------------------------------------------------------------------------


def stayed(user, session, **signs):
    Attendance.objects.create(
        session=session,
        user=user,
        connection=f"PA_{user.pk}",
        room_sid="RM_1",
        joined_at=session.starts_at,
        source="webhook",
        **{"seen_at": session.ends_at} | signs,
    )


def at(moment):
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def test_one_click_gathers_what_an_answer_needs(client, ada):
    session = ada.course.sessions.get(session_number=1)
    starts, ends = session.starts_at, session.ends_at
    stayed(ada, session, left_at=ends)
    stayed(ada.course.teacher, session, seen_at=ends - MINUTE, gone_at=ends)
    other = UserFactory(email="bob@example.com", display_name="Bob Other")
    stayed(other, session, left_at=ends - 15 * MINUTE)
    give_credit(other, "5.00")
    page = client.get(f"{LIST}{ada.dispute.pk}/answer/")
    text = page.content.decode()
    assert "attachment" in page["Content-Disposition"]
    for words in (
        ada.top_up.reference, "ada@example.com", "Spanish to go, by", "Chess, by",
        f"{at(starts)} to {at(ends)}, the customer  Spanish to go: ",
        f"{at(starts)} to {at(ends - MINUTE)} or later, the teacher  Spanish to go: ",
        "Top-up taken back",
    ):  # fmt: skip
        assert words in text
    for words in ("bob@example.com", "Bob Other", at(ends - 15 * MINUTE)):
        assert words not in text


def test_only_who_may_look_at_disputes_gets_it(client, ada):
    client.force_login(StaffFactory(is_superuser=False))
    assert client.get(f"{LIST}{ada.dispute.pk}/answer/").status_code == 403
    client.force_login(UserFactory())
    assert client.get(f"{LIST}{ada.dispute.pk}/answer/").status_code == 302


# --- a withdrawal ---------------------------------------------------------------------------------


def test_approving_shows_who_paid_how_long_ago_and_what_is_disputed(client, clerk):
    teacher = TeacherFactory()
    honest, thief = UserFactory(email="honest@example.com"), UserFactory(email="thief@example.com")
    give_credit(honest, "500.00")
    top_up = top_up_of(thief, "100.00")
    earn(teacher, "30.00", student=honest)
    earn(teacher, "70.00", student=thief)
    disputed(top_up, "-100.00")
    made = withdraw(teacher, "100.00")
    url = "/admin/payments/withdrawal/decide/approve/"
    page = client.get(url, {"withdrawal": made.pk}).content.decode()
    assert "$70.00 from thief@example.com" in page
    assert "Disputed: 1 top-up." in page
    assert "$30.00 from honest@example.com" in page
    assert "never topped up: granted credit" in page


def test_who_disputes_what_was_refunded_is_shown_all_the_same(client, clerk, settings):
    """Nothing of the top-up is left to be disputed, and they were paid twice."""
    settings.PAYMENTS = "rehearsal"
    teacher, thief = TeacherFactory(), UserFactory(email="thief@example.com")
    give_credit(thief, "100.00")
    top_up = top_up_of(thief, "100.00")
    settle_refund(request_refund(user=thief, amount=Decimal(100)).pk)
    earn(teacher, "70.00", student=thief)
    disputed(top_up, "-100.00", status="lost")
    made = withdraw(teacher, "70.00")
    url = "/admin/payments/withdrawal/decide/approve/"
    page = client.get(url, {"withdrawal": made.pk}).content.decode()
    assert "Disputed: 1 top-up." in page


def test_what_was_paid_out_before_is_not_shown_again(client, clerk, settings):
    settings.TWO_PEOPLE_ABOVE = Decimal(1000)
    teacher = TeacherFactory()
    before, after = UserFactory(email="before@example.com"), UserFactory(email="after@example.com")
    for student in (before, after):
        give_credit(student, "500.00")
    earn(teacher, "50.00", student=before)
    withdraw(teacher, "50.00", status="completed")
    earn(teacher, "20.00", student=after)
    made = withdraw(teacher, "20.00")
    url = "/admin/payments/withdrawal/decide/approve/"
    page = client.get(url, {"withdrawal": made.pk}).content.decode()
    assert "$20.00 from after@example.com" in page
    assert "before@example.com" not in page
