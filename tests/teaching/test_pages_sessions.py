"""What teachers do to their sessions in the browser: add, change, move."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from courses.models import CourseSession
from enrollments.services import sessions
from enrollments.services.sessions import cancel_session
from notices.models import Notice
from payments.models import HoldPart
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    make_course,
    start_session,
    student_with_credit,
)
from tests.forms import shown
from tests.teaching.pages import at, errors, said
from tests.teaching.session_forms import MADRID, course, enrol, first, local, typed

__all__ = ["course", "first"]

pytestmark = pytest.mark.django_db


class TestWho:
    @pytest.mark.parametrize("name", ["roster", "edit_session", "cancel_session"])
    def test_somebody_elses_session_is_not_there(self, client, first, name):
        url = at(name, first)
        for who in (TeacherFactory(), StaffFactory(is_teacher=True)):
            client.force_login(who)
            assert client.get(url).status_code == 404
            assert client.post(url, typed(expected="0:0.00")).status_code in {404, 405}
        client.force_login(student_with_credit())
        assert client.post(url, typed(expected="0:0.00")).status_code == 403
        client.logout()
        assert client.post(url, typed(expected="0:0.00")).status_code == 302
        first.refresh_from_db()
        assert (first.title, first.status) == ("A lesson", "scheduled")

    def test_forms_are_protected(self, teacher, course, first):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(teacher)
        for url in (at("add_session", course), at("edit_session", first)):
            assert strict.post(url, typed()).status_code == 403
        assert strict.post(at("cancel_session", first), {"expected": "0:0.00"}).status_code == 403
        first.refresh_from_db()
        assert (first.status, course.sessions.count()) == ("scheduled", 2)

    def test_looking_changes_nothing(self, browser, course, first):
        before = list(CourseSession.objects.values())
        for url in (
            at("add_session", course), at("edit_session", first), at("cancel_session", first)
        ):  # fmt: skip
            assert browser.get(url, typed(expected="0:0.00")).status_code == 200
        assert list(CourseSession.objects.values()) == before


class TestAdding:
    def test_at_the_end_in_the_teachers_own_time(self, browser, course):
        url = at("add_session", course)
        form = browser.get(url)
        assert "Add session 3" in form.text
        assert "In your time zone, Europe/Madrid." in form.text
        page = browser.post(url, typed(starts_at="2027-07-01T18:30"), follow=True)
        assert said(page) == ["Session 3 has been added."]
        added = course.sessions.last()
        assert (added.session_number, added.duration_minutes) == (3, 45)
        assert added.starts_at.isoformat() == "2027-07-01T16:30:00+00:00"

    def test_sent_twice_it_is_one(self, browser, course):
        body, url = typed(), at("add_session", course)
        first, second = browser.post(url, body), browser.post(url, body)
        assert first.url == second.url == at("course", course)
        assert course.sessions.count() == 3

    def test_the_enrolled_get_it_for_nothing(self, browser, course):
        enrol(course)
        assert "1 enrolled student will get this" in browser.get(at("add_session", course)).text
        browser.post(at("add_session", course), typed())
        assert HoldPart.objects.get(session=course.sessions.last()).amount == Decimal("0.00")

    def test_shares_do_not_fall_below_a_cent(self, browser, teacher):
        course = make_course(teacher=teacher, sessions=2, price_full_course="0.02")
        page = browser.post(at("add_session", course), typed())
        assert "$0.01 per session" in errors(page)["__all__"][0]
        assert course.sessions.count() == 2

    def test_one_too_many(self, browser, course, settings):
        settings.MAX_SESSIONS_PER_COURSE = 2
        page = browser.post(at("add_session", course), typed(title="The third"))
        refusal = "A course can have at most 2 sessions, including cancelled ones."
        assert errors(page) == {"__all__": [refusal]}
        assert 'value="The third"' in page.text
        assert course.sessions.count() == 2

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", ""),
            ("title", "x" * 201),
            ("duration_minutes", "0"),
            ("duration_minutes", "1441"),
            ("duration_minutes", "an hour"),
            ("starts_at", ""),
            ("starts_at", "tomorrow"),
            ("starts_at", "2020-01-01T10:00"),
            ("starts_at", "9999-12-31T23:59"),
            ("starts_at", "0001-01-01T00:00"),
            ("starts_at", "2027-02-30T10:00"),
        ],
    )
    def test_an_error_stands_at_its_field_and_nothing_is_lost(self, browser, course, field, value):
        page = browser.post(at("add_session", course), typed(description="Kept", **{field: value}))
        assert set(errors(page)) == {field}
        assert f'id="id_{field}_error"' in page.text
        assert "Kept" in page.text
        assert page.context["form"][field].value() == value
        assert course.sessions.count() == 2

    def test_the_hour_that_the_clock_skips(self, browser, course):
        page = browser.post(at("add_session", course), typed(starts_at="2027-03-28T02:30"))
        assert errors(page)["starts_at"] == [
            "On 28 Mar 2027 there is no 02:30 in Europe/Madrid: the clocks go forward. "
            "Choose a time after the change."
        ]
        assert 'value="2027-03-28T02:30"' in page.text
        assert course.sessions.count() == 2

    def test_the_hour_that_comes_twice(self, browser, course):
        page = browser.post(at("add_session", course), typed(starts_at="2027-10-31T02:30"))
        assert errors(page)["starts_at"] == [
            "On 31 Oct 2027 it is 02:30 twice in Europe/Madrid: the clocks go back. "
            "Choose a time before or after the change."
        ]

    def test_the_hours_beside_it_are_right(self, browser, course):
        for start in ("2027-03-28T01:59", "2027-03-28T03:00"):
            browser.post(at("add_session", course), typed(starts_at=start))
        before, after = course.sessions.filter(session_number__gt=2)
        assert after.starts_at - before.starts_at == timedelta(minutes=1)


def edit(browser, session: CourseSession, **changes):
    """Read the form, change some of it, send it."""
    url = at("edit_session", session)
    return browser.post(url, shown(browser.get(url)) | changes, follow=True)


class TestEditing:
    def test_texts_move_nothing(self, browser, course, first):
        enrol(course)
        page = edit(browser, first, title="Hola, mundo", description="Bring a pen.")
        assert said(page) == ["Your changes have been saved."]
        changed = CourseSession.objects.get(pk=first.pk)
        assert (changed.title, changed.description) == ("Hola, mundo", "Bring a pen.")
        # The page knows minutes alone, the session its microseconds.
        assert changed.starts_at == first.starts_at
        assert "Changed" not in page.text

    @pytest.mark.parametrize("fold", [0, 1])
    def test_a_session_in_the_hour_that_comes_twice_can_be_renamed(self, browser, first, fold):
        """Its time is shown without saying which of the two it is, and comes back so."""
        twice = datetime(2027, 10, 31, 2, 30, 17, tzinfo=MADRID, fold=fold)
        CourseSession.objects.filter(pk=first.pk).update(starts_at=twice)
        page = edit(browser, first, title="Late at night")
        assert said(page) == ["Your changes have been saved."]
        first.refresh_from_db()
        assert (first.title, first.starts_at) == ("Late at night", twice.astimezone(UTC))

    def test_an_old_page_of_that_hour_moves_nothing(self, browser, first):
        twice = datetime(2027, 10, 31, 2, 30, tzinfo=MADRID).astimezone(UTC)
        CourseSession.objects.filter(pk=first.pk).update(starts_at=twice)
        old = shown(browser.get(at("edit_session", first)))
        CourseSession.objects.filter(pk=first.pk).update(starts_at=twice + 5 * DAY)
        browser.post(at("edit_session", first), old | {"title": "Only the title"})
        first.refresh_from_db()
        assert (first.title, first.starts_at) == ("Only the title", twice + 5 * DAY)

    def test_a_session_is_not_moved_into_that_hour(self, browser, first):
        page = edit(browser, first, starts_at="2027-10-31T02:30")
        assert "it is 02:30 twice" in errors(page)["starts_at"][0]

    def test_moved(self, browser, course, first):
        enrol(course)
        later = (first.starts_at + 3 * DAY).replace(second=0, microsecond=0)
        page = edit(browser, first, starts_at=local(later))
        assert errors(page) == {"reason": ["Tell your students why you move it."]}
        page = edit(browser, first, starts_at=local(later), reason="A dentist's appointment")
        assert "Its students can return it for a refund until it starts." in said(page)[0]
        first.refresh_from_db()
        assert first.starts_at == later
        assert "Changed" in page.text
        assert "Changed" in browser.get(at("course", course)).text
        notice = Notice.objects.get(kind="session_moved")
        assert notice.text("reason") == "A dentist's appointment"

    def test_one_that_was_just_booked_takes_a_reason(self, browser, course, first, monkeypatch):
        """It is bought after the page looked, and before it moves."""
        change, url = sessions.change_session, at("edit_session", first)

        def bought_first(**wanted):
            enrol(course)
            return change(**wanted)

        sent = shown(browser.get(url)) | {"starts_at": local(first.starts_at + 3 * DAY)}
        monkeypatch.setattr(sessions, "change_session", bought_first)
        page = browser.post(url, sent)
        assert errors(page) == {"reason": ["Tell your students why you move it."]}
        assert CourseSession.objects.get(pk=first.pk).starts_at == first.starts_at
        monkeypatch.undo()
        browser.post(url, sent | {"reason": "A choir"})
        assert Notice.objects.get(kind="session_moved").text("reason") == "A choir"

    def test_other_words_need_no_reason(self, browser, course, first):
        enrol(course)
        assert said(edit(browser, first, title="Adiós")) == ["Your changes have been saved."]
        assert not Notice.objects.filter(kind="session_moved").exists()

    def test_moved_before_anybody_bought_it(self, browser, first):
        page = edit(browser, first, starts_at=local(first.starts_at + DAY))
        assert "return it" not in said(page)[0]

    def test_an_old_page_moves_nothing(self, browser, first):
        old = shown(browser.get(at("edit_session", first)))
        elsewhere = first.starts_at + 5 * DAY
        CourseSession.objects.filter(pk=first.pk).update(starts_at=elsewhere)
        browser.post(at("edit_session", first), old | {"title": "Only the title"})
        first.refresh_from_db()
        assert (first.title, first.starts_at) == ("Only the title", elsewhere)

    def test_not_into_the_past(self, browser, first):
        page = edit(browser, first, title="New", starts_at=local(timezone.now() - DAY))
        assert errors(page) == {"starts_at": ["Choose a start in the future."]}
        assert page.context["form"]["title"].value() == "New"
        assert CourseSession.objects.get(pk=first.pk).title == "A lesson"

    def test_once_started_its_time_stays(self, browser, first):
        start_session(first)
        page = edit(browser, first, title="New", starts_at=local(timezone.now() + DAY))
        assert said(page) == ["Your changes have been saved."]
        changed = CourseSession.objects.get(pk=first.pk)
        assert (changed.title, changed.starts_at) == ("New", first.starts_at)

    def test_started_while_the_page_was_open(self, browser, first):
        """The form knows no better than the service, which looks once more."""
        old = shown(browser.get(at("edit_session", first)))
        start_session(first)
        page = browser.post(at("edit_session", first), old | {"duration_minutes": "90"})
        first.refresh_from_db()
        assert page.status_code == 302
        assert first.duration_minutes == 60

    def test_a_cancelled_session_stays_where_it_is(self, browser, course, first):
        cancel_session(session_id=first.pk, actor=course.teacher)
        page = edit(browser, first, starts_at=local(timezone.now() + 5 * DAY))
        assert "over or cancelled" in errors(page)["__all__"][0]
