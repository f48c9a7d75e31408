"""What stands in a reader's calendar, and what its numbers say."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from calendars import events
from calendars.events import event_of, events_of, events_of_enrollment
from calendars.feeds import feed_of, find_reader, follows_feed, token_of
from calendars.models import CalendarFeed
from calendars.services import note_fetch, renew_feed
from common.errors import NotFound
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course, hand_back_session
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, change_session, delete_session
from settlement.services.deciding import refund_hold
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    end_session,
    extend_course,
    give_credit,
    make_course,
    student_with_credit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def student():
    return student_with_credit()


def calendar(user):
    """The sessions in a user's feed, each with whether it is off."""
    return {event.uid: event.is_off for event in events_of(user, timezone.now())}


def numbers(user, course):
    """The same of one course, by their numbers."""
    off = calendar(user)
    return {s.session_number: off[str(s.pk)] for s in course.sessions.all() if str(s.pk) in off}


def sequence(user, session):
    return event_of(user, session.pk).sequence


def buy(student, session):
    return purchase_session(student=student, session_id=session.pk)


def give_back(student, purchase):
    cancel_session_purchase(student=student, purchase_id=purchase.pk)


def move(session, by=DAY):
    session.refresh_from_db()
    change_session(
        session_id=session.pk, actor=session.course.teacher, starts_at=session.starts_at + by
    )


def call_off(session):
    cancel_session(session_id=session.pk, actor=session.course.teacher)


def test_a_student_sees_what_they_booked_and_nobody_else_does(student, course, session):
    buy(student, session)
    assert numbers(student, course) == {1: False}
    assert calendar(student_with_credit()) == {}


def test_a_course_brings_its_sessions_and_those_added_later(student, course):
    enroll_full_course(student=student, course_id=course.pk)
    extend_course(course, starts_at=timezone.now() + 9 * DAY)
    assert numbers(student, course) == dict.fromkeys([1, 2, 3, 4], False)


def test_a_teacher_sees_what_they_teach_once_it_is_published(course, session):
    draft = make_course(sessions=1, teacher=course.teacher, published=False)
    call_off(session)
    assert numbers(course.teacher, course) == {1: True, 2: False, 3: False}
    assert numbers(course.teacher, draft) == {}
    delete_session(session_id=course.sessions.last().pk, actor=course.teacher)
    assert numbers(course.teacher, course) == {1: True, 2: False}


def test_one_who_teaches_and_learns_has_one_feed(course, session):
    teacher = TeacherFactory()
    own = make_course(sessions=1, teacher=teacher)
    give_credit(teacher, "100.00")
    buy(teacher, session)
    assert numbers(teacher, own) == numbers(teacher, course) == {1: False}


def test_what_is_called_off_stays_and_says_so(student, course, session):
    enroll_full_course(student=student, course_id=course.pk)
    call_off(session)
    assert numbers(student, course) == {1: True, 2: False, 3: False}
    event = event_of(student, session.pk)
    assert event.title == "Cancelled: Spanish to go: A lesson"
    assert event.description == "This session was cancelled."


def test_what_a_student_gives_up_goes(student, course, session):
    """Also where it is called off afterwards: they have known all along that they do not come."""
    purchase = buy(student, session)
    give_back(student, purchase)
    assert numbers(student, course) == {}
    call_off(session)
    assert numbers(student, course) == {}


def test_what_is_handed_back_goes(student, course, session):
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    move(session)
    hand_back_session(student=student, enrollment_id=enrollment.pk, session_id=session.pk)
    assert numbers(student, course) == {2: False, 3: False}


def test_what_staff_refund_goes_before_its_end_and_stays_after_it(student, course, session):
    staff, later = StaffFactory(), course.sessions.last()
    before, after = buy(student, later), buy(student, session)
    end_session(session)
    for purchase in (before, after):
        refund_hold(hold_id=purchase.hold.pk, actor=staff, reason="As a favour")
    assert numbers(student, course) == {1: False}


def test_the_number_counts_changes_of_time_and_calling_off_but_no_words(student, course, session):
    enroll_full_course(student=student, course_id=course.pk)
    assert sequence(student, session) == 0
    move(session)
    assert sequence(student, session) == 1
    change_session(session_id=session.pk, actor=course.teacher, title="Other words")
    assert sequence(student, session) == 1
    call_off(session)
    assert sequence(student, session) == sequence(course.teacher, session) == 2


def test_the_number_counts_each_time_a_reader_leaves_or_comes_back(student, course, session):
    """So what they are sent last is what holds. It is theirs alone."""
    other = student_with_credit()
    buy(other, session)
    seen = []
    for _ in range(2):
        purchase = buy(student, session)
        seen.append(sequence(student, session))
        give_back(student, purchase)
        seen.append(sequence(student, session))
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    seen.append(sequence(student, session))
    cancel_enrollment(student=student, enrollment_id=enrollment.pk)
    seen.append(sequence(student, session))
    assert seen == [0, 1, 2, 3, 4, 5]
    assert sequence(other, session) == sequence(course.teacher, session) == 0


def test_a_single_that_becomes_part_of_a_course_neither_left_nor_came_back(
    student, course, session
):
    buy(student, session)
    enroll_full_course(student=student, course_id=course.pk)
    assert sequence(student, session) == 0
    assert numbers(student, course) == {1: False, 2: False, 3: False}


def test_who_left_has_an_event_that_is_off(student, session):
    """What a mail about the cancellation takes out of a calendar."""
    give_back(student, buy(student, session))
    event = event_of(student, session.pk)
    assert event.is_off
    assert event.description == "You no longer have this session."


def test_of_what_one_never_had_there_is_no_event(student, course, session):
    with pytest.raises(NotFound):
        event_of(student, session.pk)
    enrollment = enroll_full_course(student=student_with_credit(), course_id=course.pk)
    with pytest.raises(NotFound):
        events_of_enrollment(student, enrollment.pk)


def test_the_file_of_a_course_has_what_is_left_of_it(student, course, session):
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    move(session)
    hand_back_session(student=student, enrollment_id=enrollment.pk, session_id=session.pk)
    left = events_of_enrollment(student, enrollment.pk)
    assert [event.uid for event in left] == [str(s.pk) for s in course.sessions.all()[1:]]
    buy(student, session)
    assert len(events_of_enrollment(student, enrollment.pk)) == 3
    assert sequence(student, session) == 3  # moved, left, came back


def test_an_event_keeps_to_one_line_what_people_wrote(student, course):
    evil = "Late\r\nBEGIN:VEVENT\x00\x1b"
    course.title = evil
    course.save()
    extend_course(course, starts_at=timezone.now() + 9 * DAY)
    enroll_full_course(student=student, course_id=course.pk)
    titles = {event.title for event in events_of(student, timezone.now())}
    assert titles == {"Late  BEGIN:VEVENT  : A lesson"}


def test_a_feed_has_the_next_of_many_and_forgets_what_is_long_ago(student, course, monkeypatch):
    enroll_full_course(student=student, course_id=course.pk)
    first = course.sessions.first()
    end_session(first, ago=events.PAST - timedelta(days=1))
    assert numbers(student, course) == dict.fromkeys([1, 2, 3], False)
    monkeypatch.setattr(events, "MOST", 2)
    assert numbers(student, course) == dict.fromkeys([1, 2], False)
    assert numbers(course.teacher, course) == dict.fromkeys([1, 2], False)
    end_session(first, ago=events.PAST)
    assert numbers(student, course) == dict.fromkeys([2, 3], False)


def test_an_event_is_about_nobody_else(student, course, session):
    buy(student, session)
    others = student_with_credit(display_name="Odysseus")
    buy(others, session)
    for reader in (student, course.teacher):
        said = repr(events_of(reader, timezone.now()))
        assert not [name for name in ("Odysseus", course.teacher.display_name) if name in said]
        assert "@" not in said


# Its address


def test_the_address_leads_to_its_reader_and_stays(student):
    token = token_of(feed_of(student))
    assert find_reader(token) == student
    assert token_of(feed_of(UserFactory())) != token
    note_fetch(user=student, now=timezone.now())
    student.refresh_from_db()
    assert token_of(feed_of(student)) == token


def test_another_address_ends_the_one_of_before(student):
    old = token_of(feed_of(student))
    note_fetch(user=student, now=timezone.now())
    renew_feed(user=student)
    student.refresh_from_db()
    assert find_reader(token_of(feed_of(student))) == student
    assert not follows_feed(student.pk, timezone.now())
    with pytest.raises(NotFound):
        find_reader(old)


def test_addresses_that_calendars_know_go_on_working(settings):
    """Another way to make them would end every subscription."""
    settings.SECRET_KEY = "a key that signs nothing that matters, for this test alone"
    feed = CalendarFeed(user_id=UUID("0192f5a0-7b1c-7def-8123-456789abcdef"), serial=3)
    assert token_of(feed) == "AZL1oHscfe-BI0VniavN7wAAAAMe5AFazY_GMK0G0TPAILbt"


def test_what_we_never_gave_leads_nowhere_and_asks_no_database(student, django_assert_num_queries):
    token = token_of(feed_of(student))
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[:30] + ("A" if token[30] != "A" else "B") + token[31:],
        token[:-4],
        f"{token}AAAA",
        f"{token}\n",
        "ünïcode",
        "",
        "=",
    ]
    with django_assert_num_queries(0):
        for wrong in forged:
            with pytest.raises(NotFound):
                find_reader(wrong)


def test_who_is_deactivated_has_no_feed(student):
    token = token_of(feed_of(student))
    student.is_active = False
    student.save()
    with pytest.raises(NotFound):
        find_reader(token)


def test_no_row_lets_anybody_in(student):
    """Whoever reads the database alone learns no address."""
    token = token_of(feed_of(student))
    renew_feed(user=student)
    kept = str(CalendarFeed.objects.values().get())
    assert not [piece for piece in (token, token[27:]) if piece in kept]


def test_a_fetch_is_noted_once_an_hour(student):
    token, now = token_of(feed_of(student)), timezone.now()

    def fetch(at):
        note_fetch(user=find_reader(token), now=at)
        return CalendarFeed.objects.get().fetched_at

    first = fetch(now)
    assert fetch(now + timedelta(minutes=59)) == first
    assert fetch(now + timedelta(minutes=60)) == first + timedelta(hours=1)


def test_a_fetch_by_an_address_that_is_given_up_meanwhile_is_none(student):
    reader = find_reader(token_of(feed_of(student)))
    renew_feed(user=student)
    note_fetch(user=reader, now=timezone.now())
    assert CalendarFeed.objects.get().fetched_at is None


def test_a_feed_is_followed_for_two_weeks(student):
    now = timezone.now()
    assert not follows_feed(student.pk, now)
    note_fetch(user=student, now=now)
    assert follows_feed(student.pk, now + 14 * DAY)
    assert not follows_feed(student.pk, now + 14 * DAY + timedelta(seconds=1))
