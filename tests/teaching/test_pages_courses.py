"""What teachers see of their courses, and do to them in the browser."""

from decimal import Decimal
from io import BytesIO
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags
from PIL import Image

from courses.models import Course
from courses.services import archive_course
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from payments.earnings import forecast_of
from settlement.services.deciding import release_hold
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    end_session,
    make_course,
    student_with_credit,
)
from tests.forms import shown

pytestmark = pytest.mark.django_db

LIST = "/teaching/"
NEW = "/teaching/courses/new/"


@pytest.fixture
def teacher():
    return TeacherFactory(time_zone="Europe/Madrid")


@pytest.fixture
def browser(client, teacher):
    client.force_login(teacher)
    return client


def at(name: str, course: Course) -> str:
    return reverse(f"teaching:{name}", args=[course.pk])


def typed(**changes) -> dict:
    """What a teacher types for a course."""
    body = {
        "title": "Spanish to go",
        "description": "Bring a pen.",
        "language": "Spanish",
        "level": "beginner",
        "category": "Languages",
        "price_full_course": "100.00",
        "price_per_session": "16.00",
        "max_students": "12",
        "idempotency_key": str(uuid4()),
    }
    return body | changes


def said(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def errors(page) -> dict:
    return page.context["form"].errors


def picture(kind: str = "PNG", size=(64, 36), name: str = "evil.php", mode: str = "RGB"):
    drawn = BytesIO()
    Image.new(mode, size).save(drawn, kind)
    return SimpleUploadedFile(name, drawn.getvalue() + b"<?php echo 1; ?>", "image/png")


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


def sell(course: Course) -> None:
    enroll_full_course(student=student_with_credit(), course_id=course.pk)


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


class TestCreating:
    def test_a_draft(self, browser, teacher):
        page = browser.post(NEW, typed(), follow=True)
        course = Course.objects.get()
        assert page.redirect_chain == [(at("schedule", course), 302)]
        assert said(page) == ["Your draft is saved. Now plan its sessions."]
        assert (course.teacher, course.status) == (teacher, Course.Status.DRAFT)
        assert (course.price_full_course, course.max_students) == (Decimal("100.00"), 12)

    def test_sent_twice_it_is_one(self, browser):
        body = typed()
        first, second = browser.post(NEW, body), browser.post(NEW, body)
        assert first.url == second.url
        assert Course.objects.count() == 1

    def test_the_same_form_with_other_words_asks_again(self, browser):
        body = typed()
        browser.post(NEW, body)
        page = browser.post(NEW, body | {"title": "Another"})
        assert page.status_code == 200
        assert "Another" in page.text
        assert Course.objects.count() == 1

    def test_no_prices_yet(self, browser):
        browser.post(NEW, typed(price_full_course="", price_per_session="", max_students=""))
        course = Course.objects.get()
        assert course.price_full_course is course.price_per_session is course.max_students is None

    def test_what_is_not_asked_for_is_left_out(self, browser):
        forged = {"current_students": "7", "status": "published", "teacher": str(uuid4())}
        browser.post(NEW, typed(**forged))
        course = Course.objects.get()
        assert (course.current_students, course.status) == (0, Course.Status.DRAFT)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", ""),
            ("title", "x" * 201),
            ("title", "nul\0"),
            ("level", "expert"),
            ("language", " "),
            ("price_full_course", "0"),
            ("price_full_course", "-5"),
            ("price_full_course", "0.001"),
            ("price_full_course", "1e1"),
            ("price_full_course", "1_000"),
            ("price_full_course", "\uff11\uff10"),
            ("price_full_course", "NaN"),
            ("price_full_course", "Infinity"),
            ("price_per_session", "99999999999"),
            ("max_students", "0"),
            ("max_students", "-1"),
            ("max_students", "99999999999"),
            ("max_students", "a few"),
        ],
    )
    def test_an_error_stands_at_its_field_and_nothing_is_lost(self, browser, field, value):
        page = browser.post(NEW, typed(**{field: value}))
        assert set(errors(page)) == {field}
        assert f'id="id_{field}_error"' in page.text
        assert 'aria-invalid="true"' in page.text
        kept = "description" if field == "title" else "title"
        assert page.context["form"][kept].value() == typed()[kept]
        assert not Course.objects.exists()


def edit(browser, course: Course, **changes):
    """Read the form, change some of it, send it."""
    url = at("edit_course", course)
    return browser.post(url, shown(browser.get(url)) | changes, follow=True)


class TestEditing:
    def test_terms_are_changed(self, browser, teacher):
        course = make_course(teacher=teacher, sessions=2)
        page = edit(browser, course, title="Spanish to stay", price_full_course="120")
        assert said(page) == ["Your changes have been saved."]
        course.refresh_from_db()
        assert (course.title, course.price_full_course) == ("Spanish to stay", Decimal("120.00"))

    def test_the_form_shows_what_is_there(self, browser, teacher):
        course = make_course(teacher=teacher, price_full_course="80.50")
        page = browser.get(at("edit_course", course))
        assert 'value="80.50"' in page.text
        assert "current_students" not in page.text

    def test_not_fewer_seats_than_are_taken(self, browser, teacher):
        course = make_course(teacher=teacher, max_students=5)
        sell(course)
        sell(course)
        page = edit(browser, course, title="New", max_students="1")
        assert errors(page) == {"max_students": ["2 seats already taken."]}
        assert page.context["form"]["title"].value() == "New"
        course.refresh_from_db()
        assert (course.title, course.max_students) == ("Spanish to go", 5)

    def test_what_is_published_stays_sellable(self, browser, teacher):
        course = make_course(teacher=teacher)
        page = edit(browser, course, price_full_course="", price_per_session="")
        assert "a course needs a session to come" in errors(page)["__all__"][0]
        course.refresh_from_db()
        assert course.price_full_course == Decimal("100.00")

    def test_an_old_page_overwrites_nothing_else(self, browser, teacher):
        course = make_course(teacher=teacher, description="Bring\r\na pen.")
        old = shown(browser.get(at("edit_course", course)))
        Course.objects.filter(pk=course.pk).update(price_full_course="70.00", max_students=9)
        browser.post(at("edit_course", course), old | {"title": "Only the title"})
        course.refresh_from_db()
        assert (course.title, course.price_full_course) == ("Only the title", Decimal("70.00"))
        assert course.max_students == 9


class TestPictures:
    def upload(self, browser, file, **changes):
        return browser.post(NEW, typed(thumbnail=file, **changes))

    @pytest.mark.parametrize(
        ("kind", "mode"),
        [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("JPEG", "CMYK"),
         ("JPEG", "L"), ("WEBP", "RGB")],
    )  # fmt: skip
    def test_only_the_picture_is_kept(self, browser, kind, mode):
        self.upload(browser, picture(kind, mode=mode))
        kept = Course.objects.get().thumbnail
        assert kept.name.startswith("courses/")
        assert kept.name.endswith(".webp")
        assert "evil" not in kept.name
        with kept.open() as file:
            content = file.read()
        assert b"<?php" not in content
        assert Image.open(BytesIO(content)).format == "WEBP"

    def test_it_is_no_larger_than_it_is_shown(self, browser):
        self.upload(browser, picture(size=(4000, 3000)))
        with Course.objects.get().thumbnail.open() as file, Image.open(file) as kept:
            assert kept.size == (960, 720)

    @pytest.mark.parametrize(
        "file",
        [
            SimpleUploadedFile("a.png", b"<?php echo 1; ?>", "image/png"),
            SimpleUploadedFile("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml"),
            SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "image/png"),
            SimpleUploadedFile("a.png", picture().read()[:60], "image/png"),
            SimpleUploadedFile("a.png", b"x" * (2 * 1024 * 1024 + 1), "image/png"),
            SimpleUploadedFile("a.png", b"", "image/png"),
            picture("GIF", name="a.png"),
            picture("BMP", name="a.png"),
        ],
    )
    def test_anything_else_is_refused(self, browser, file):
        page = self.upload(browser, file)
        assert set(errors(page)) == {"thumbnail"}
        assert "Choose the picture again" in page.text
        assert not Course.objects.exists()

    def test_a_small_file_of_very_many_pixels_is_refused(self, browser):
        page = self.upload(browser, picture(size=(6000, 4001), mode="1"))
        assert errors(page)["thumbnail"] == ["The picture has too many pixels. Make it smaller."]

    def test_replaced_and_removed(self, browser, django_capture_on_commit_callbacks):
        self.upload(browser, picture())
        course = Course.objects.get()
        first = course.thumbnail.name
        with django_capture_on_commit_callbacks(execute=True):
            edit(browser, course, thumbnail=picture("JPEG"))
        course.refresh_from_db()
        second = course.thumbnail.name
        assert second not in {"", first}
        assert (default_storage.exists(first), default_storage.exists(second)) == (False, True)
        assert "Remove this picture" in browser.get(at("edit_course", course)).text
        with django_capture_on_commit_callbacks(execute=True):
            edit(browser, course, remove_picture="on")
        course.refresh_from_db()
        assert course.thumbnail.name == ""
        assert not default_storage.exists(second)

    def test_it_stays_where_nothing_is_chosen(self, browser):
        self.upload(browser, picture())
        course = Course.objects.get()
        edit(browser, course, title="Other")
        assert Course.objects.get().thumbnail.name == course.thumbnail.name


class TestPublishing:
    def test_published(self, browser, teacher):
        course = make_course(teacher=teacher, published=False)
        page = browser.post(at("publish", course), follow=True)
        assert said(page) == ["“Spanish to go” is published. Students can buy it now."]
        course.refresh_from_db()
        assert course.status == Course.Status.PUBLISHED

    @pytest.mark.parametrize(
        ("whole", "each", "warning"),
        [
            ("100.00", "60.00", ""),
            (
                "100.00",
                "49.99",
                "Students are offered only single sessions: all those to come cost $99.98 "
                "together, less than the full course at $100.00.",
            ),
            (
                "100.00",
                "100.00",
                "Students are offered only the full course: at $100.00, it costs no more than a "
                "single session at $100.00.",
            ),
            (None, "16.00", ""),
            ("100.00", None, ""),
        ],
    )
    def test_what_nobody_is_offered_is_said(self, browser, teacher, whole, each, warning):
        course = make_course(
            sessions=2,
            price_full_course=whole,
            price_per_session=each,
            teacher=teacher,
            published=False,
        )
        warns = [warning] if warning else []
        before = browser.get(at("course", course))
        assert [before.context["dearer"]] == (warns or [""])
        assert (warning in before.text, "Students are offered only" in before.text) == (
            True,
            bool(warns),
        )
        for_each = "session sold" if "only single" in warning or not whole else "full seat"
        assert f"for each {for_each}." in before.text
        assert said(browser.post(at("publish", course), follow=True))[1:] == warns

    def test_what_it_lacks_is_said(self, browser, teacher):
        bare = make_course(teacher=teacher, sessions=0, published=False)
        page = browser.post(at("publish", bare), follow=True)
        assert "needs a session to come" in said(page)[0]
        bare.refresh_from_db()
        assert bare.status == Course.Status.DRAFT

    def test_a_session_that_was_called_off_is_none_to_come(self, browser, teacher):
        draft = make_course(teacher=teacher, sessions=2, published=False)
        assert "2 sessions to come" in browser.get(at("course", draft)).text
        for session in draft.sessions.all():
            cancel_session(session_id=session.pk, actor=teacher)
        page = browser.post(at("publish", draft), follow=True)
        assert "needs a session to come" in said(page)[0]
        assert "Plan sessions to come" in page.text

    def test_looking_changes_nothing(self, browser, teacher):
        draft = make_course(teacher=teacher, published=False)
        assert browser.get(at("publish", draft)).status_code == 405
        sold = make_course(teacher=teacher)
        page = browser.get(at("archive", sold))
        assert "What stays the same" in page.text
        statuses = Course.objects.order_by("created_at").values_list("status", flat=True)
        assert list(statuses) == ["draft", "published"]

    def test_archived_and_put_back(self, browser, teacher):
        course = make_course(teacher=teacher)
        sell(course)
        assert "Your share of $70.00 stays held" in browser.get(at("archive", course)).text
        page = browser.post(at("archive", course), follow=True)
        assert "is archived" in said(page)[0]
        assert "Put it back on sale" in page.text
        course.refresh_from_db()
        assert (course.status, course.current_students) == (Course.Status.ARCHIVED, 1)
        browser.post(at("publish", course))
        course.refresh_from_db()
        assert course.status == Course.Status.PUBLISHED

    def test_an_archived_course_is_still_a_page(self, browser, teacher):
        course = archive_course(course_id=make_course(teacher=teacher).pk, actor=teacher)
        assert "Not on sale" in browser.get(at("course", course)).text
