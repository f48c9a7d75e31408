"""How teachers create, change, picture and publish their courses in the browser."""

from decimal import Decimal
from io import BytesIO
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from courses.models import Course
from courses.services import archive_course
from enrollments.services.sessions import cancel_session
from tests.factories import make_course
from tests.forms import shown
from tests.teaching.course_forms import NEW, picture, sell, typed
from tests.teaching.pages import at, errors, said

pytestmark = pytest.mark.django_db


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
