"""What teachers see of their courses, and who sees them."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from courses.models import Course
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.earnings import forecast_of
from settlement.services.deciding import release_hold
from tests.factories import (
    DAY,
    StaffFactory,
    UserFactory,
    end_session,
    make_course,
    student_with_credit,
)
from tests.teaching.course_forms import LIST, NEW, sell, typed
from tests.teaching.pages import at

pytestmark = pytest.mark.django_db


class TestWho:
    def test_guests_log_in_first(self, client):
        answer = client.get(LIST)
        assert answer.status_code == 302
        assert answer.url == "/login/?next=/teaching/"

    def test_who_does_not_teach_is_told_so(self, client):
        mine = make_course()
        for who in (UserFactory(), StaffFactory()):
            client.force_login(who)
            for url in (LIST, NEW, at("course", mine)):
                page = client.get(url)
                assert page.status_code == 403
                assert "Teaching is for teachers" in page.text

    @pytest.mark.parametrize("name", ["course", "edit_course", "archive", "add_session"])
    def test_somebody_elses_course_is_not_there(self, browser, name):
        theirs = make_course()
        assert browser.get(at(name, theirs)).status_code == 404
        assert browser.post(at(name, theirs), typed()).status_code in {404, 405}
        theirs.refresh_from_db()
        assert (theirs.status, theirs.sessions.count()) == (Course.Status.PUBLISHED, 7)

    def test_somebody_elses_draft_stays_one(self, browser):
        theirs = make_course(published=False)
        assert browser.post(at("publish", theirs)).status_code == 404
        theirs.refresh_from_db()
        assert theirs.status == Course.Status.DRAFT

    def test_staff_who_teach_have_their_own_courses_here(self, client):
        client.force_login(StaffFactory(is_teacher=True))
        theirs = make_course(published=False)
        assert client.get(at("course", theirs)).status_code == 404
        assert client.post(at("publish", theirs)).status_code == 404

    def test_forms_are_protected(self, teacher):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(teacher)
        mine = make_course(teacher=teacher, published=False)
        for url in (NEW, at("publish", mine), at("archive", mine), at("edit_course", mine)):
            assert strict.post(url, typed()).status_code == 403
        mine.refresh_from_db()
        assert (mine.status, Course.objects.count()) == (Course.Status.DRAFT, 1)


class TestList:
    def test_a_new_teacher_is_invited(self, browser):
        page = browser.get(LIST)
        assert "Create your first course" in page.text
        assert NEW in page.text

    def test_what_was_sold_of_each(self, browser, teacher):
        course = make_course(teacher=teacher, sessions=2)
        make_course(title="A stranger's")
        draft = make_course(teacher=teacher, sessions=0, published=False, title="A draft")
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        single = student_with_credit()
        purchase_session(student=single, session_id=course.sessions.first().pk)
        leaver = student_with_credit()
        gone = enroll_full_course(student=leaver, course_id=course.pk)
        cancel_enrollment(student=leaver, enrollment_id=gone.pk)

        page = browser.get(LIST)

        shown = {taught.course.title: taught for taught in page.context["courses"]}
        assert set(shown) == {course.title, draft.title}
        sales = shown[course.title].sales
        assert (sales.students, sales.gross, sales.held) == (2, Decimal(116), Decimal("81.20"))
        assert shown[course.title].next_start == course.sessions.first().starts_at
        assert (shown["A draft"].sales.students, shown["A draft"].next_start) == (0, None)
        assert "$116.00" in page.text
        assert "$81.20" in page.text
        assert "No upcoming session" in page.text
        assert "A stranger" not in page.text

    def test_held_is_what_earnings_say(self, browser, teacher):
        """To the cent, on each page: what they get of it, whatever is released before."""
        course = make_course(teacher=teacher, sessions=3, price_full_course="100.00")
        other = make_course(teacher=teacher, sessions=3, price_full_course="77.77")
        brought = student_with_credit(referral_code=teacher.referral_code)
        first, *_ = course.sessions.all()
        mine, *_ = (
            enroll_full_course(student=student, course_id=sold.pk)
            for student, sold in ((brought, course), (student_with_credit(), course))
        )
        enroll_full_course(student=brought, course_id=other.pk)
        purchase_session(student=student_with_credit(), session_id=first.pk)
        end_session(first, ago=DAY)
        part = mine.hold.parts.get(session=first)
        release_hold(
            hold_id=mine.hold.pk, actor=StaffFactory(), reason="They came", part_ids=[part.pk]
        )

        earned = forecast_of(teacher)
        taught = browser.get(LIST).context["courses"]
        assert {one.course.pk: one.sales.held for one in taught} == dict(earned.by_course)
        for one in (course, other):
            page = browser.get(at("course", one))
            held = {row.session.pk: row.sales.held for row in page.context["page_obj"]}
            assert {key: amount for key, amount in held.items() if amount} == {
                key: amount for key, amount in earned.by_session.items() if key in held
            }
            assert sum(held.values()) == page.context["taught"].sales.held
        last = course.sessions.last()
        assert browser.get(at("roster", last)).context["sales"].held == earned.by_session[last.pk]
        figures = browser.get("/earnings/").context["figures"]
        assert sum(one.sales.held for one in taught) == figures.held - figures.held_referrals

    def test_it_is_paged(self, browser, teacher):
        for number in range(21):
            make_course(teacher=teacher, sessions=0, published=False, title=f"Number {number}")
        assert "Page 1 of 2" in browser.get(LIST).text
        assert "Number 0" in browser.get(LIST, {"page": 2}).text

    def test_statements_do_not_grow_with_rows(self, browser, teacher):
        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(LIST).status_code == 200
            return len(queries)

        sell(make_course(teacher=teacher, sessions=1))
        few = statements()
        for _ in range(5):
            sell(make_course(teacher=teacher, sessions=3))
        assert statements() == few


class TestCourse:
    def test_statements_do_not_grow_with_sessions(self, browser, teacher):
        def statements(course: Course) -> int:
            sell(course)
            with CaptureQueriesContext(connection) as queries:
                page = browser.get(at("course", course))
            assert page.text.count("1 student<") >= course.sessions.count()
            return len(queries)

        few = statements(make_course(teacher=teacher, sessions=1))
        assert statements(make_course(teacher=teacher, sessions=9)) == few

    def test_a_draft_shows_what_it_lacks_and_its_preview(self, browser, teacher):
        bare = make_course(
            teacher=teacher,
            sessions=0,
            published=False,
            price_full_course=None,
            price_per_session=None,
        )
        page = browser.get(at("course", bare))
        assert "Before you publish" in page.text
        assert "Set a price" in page.text
        assert "Plan its sessions" in page.text
        preview = reverse("enrollments:course", args=[bare.pk])
        assert preview in page.text
        assert browser.get(preview).status_code == 200

    def test_how_one_is_paid(self, browser, teacher, settings):
        url = at("course", make_course(teacher=teacher))
        page = browser.get(url)
        assert "settle it 30 minutes after it ends" in page.text
        assert "at least 20% of the length they booked, you get 70% of what they paid" in page.text
        assert "or 91% if you referred them" in page.text
        assert "Students who miss it are refunded." in page.text
        settings.COMMISSION_BP, settings.REFERRAL_BP = 2500, 5000
        settings.SETTLEMENT_GRACE_MINUTES, settings.ATTENDANCE_THRESHOLD_PERCENT = 45, 50
        settings.NO_SHOW, settings.CHANGE_NOTICE_HOURS = "release", 6
        page = browser.get(url)
        assert "settle it 45 minutes after it ends" in page.text
        assert "at least 50% of the length they booked, you get 75% of what they paid" in page.text
        assert "or 87.50% if you referred them" in page.text
        assert "You get the same for students who miss it, unless you changed its time" in page.text
        assert "less than 6 hours before it starts: then they are refunded." in page.text
        settings.CHANGE_NOTICE_HOURS = 0
        assert "You get the same for students who miss it." in browser.get(url).text

    def test_times_are_the_teachers(self, browser, teacher):
        course = make_course(teacher=teacher, sessions=1)
        assert any(zone in browser.get(at("course", course)).text for zone in ("CET", "CEST"))

    def test_it_says_what_a_seat_earns_net_and_whom_the_link_brings(self, browser, teacher):
        course = make_course(teacher=teacher, price_full_course="80.00")
        page = browser.get(at("course", course)).text
        words = " ".join(strip_tags(page).split())
        assert "You earn $56.00 for each full seat." in words
        assert "a student you bring pays you $72.80, otherwise $56.00." in words
        assert f"/courses/{course.pk}/?ref={teacher.referral_code}</code>" in page
        single = make_course(teacher=teacher, price_full_course=None, published=False)
        page = browser.get(at("course", single)).text
        assert "You earn $11.20 for each session sold." in " ".join(strip_tags(page).split())
        assert "?ref=" not in page  # of a draft

    def test_titles_are_text(self, browser, teacher):
        course = make_course(teacher=teacher, title="<script>alert(1)</script>")
        for url in (LIST, at("course", course), at("edit_course", course), at("archive", course)):
            assert "<script>alert" not in browser.get(url).text
