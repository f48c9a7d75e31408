"""The page of a teacher: who sees it, what it shows, and what it counts."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from accounts.introducing import introduce
from courses.services import archive_course
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, move_session
from enrollments.shop.teachers import Record, record_of
from payments.models import HoldPart
from tests.enrollments.test_pages_catalogue import titles
from tests.enrollments.test_pages_sharing import addresses, head
from tests.factories import (
    DAY,
    TeacherFactory,
    UserFactory,
    end_session,
    make_course,
    release_hold,
    student_with_credit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sofia(db):
    return TeacherFactory(display_name="Sofía <b>Marín</b>")


def page_of(teacher) -> str:
    return f"/teachers/{teacher.pk}/"


def drawn() -> ContentFile:
    photo = BytesIO()
    Image.new("RGB", (640, 640), (200, 30, 30)).save(photo, "WEBP")
    return ContentFile(photo.getvalue(), "me.webp")


class TestWhoHasOne:
    def test_a_teacher(self, client, sofia):
        page = client.get(page_of(sofia))
        assert page.status_code == 200
        assert "Sofía &lt;b&gt;Marín&lt;/b&gt;" in page.text
        assert "New here: no session has been held yet." in page.text
        assert head(page)["robots"] == "noindex"

    def test_nobody_else(self, client, sofia):
        make_course(teacher=sofia)
        for change in ({"is_active": False}, {"is_teacher": False}):
            was = {name: getattr(sofia, name) for name in change}
            type(sofia).objects.filter(pk=sofia.pk).update(**change)
            assert client.get(page_of(sofia)).status_code == 404
            assert client.get(f"/share/teachers/{sofia.pk}.jpg").status_code == 404
            type(sofia).objects.filter(pk=sofia.pk).update(**was)
        assert client.get(page_of(UserFactory())).status_code == 404

    def test_links_lead_there(self, client, sofia):
        course = make_course(teacher=sofia)
        link = f'href="{page_of(sofia)}"'
        client.force_login(sofia)
        for path in ("/", f"/courses/{course.pk}/", "/profile/", "/teaching/"):
            assert link in client.get(path).text
        assert "/profile/introduction/" in client.get(page_of(sofia)).text
        client.force_login(UserFactory())
        assert "/profile/introduction/" not in client.get(page_of(sofia)).text
        assert link not in client.get("/profile/").text

    def test_of_one_who_left_nothing_leads_there(self, client, sofia):
        course = make_course(teacher=sofia)
        sofia.is_active = False
        sofia.save()
        assert page_of(sofia) not in client.get(f"/courses/{course.pk}/").text


class TestWhatItShows:
    def test_the_courses_of_the_catalogue(self, client, sofia):
        make_course(teacher=sofia, title="Later", language="Catalan", starts_in=2 * DAY)
        make_course(teacher=sofia, title="Sooner")
        make_course(teacher=sofia, title="Draft", published=False, language="Latin")
        make_course(teacher=sofia, title="Secret", by_link_only=True, language="Greek")
        gone = make_course(teacher=sofia, title="Gone", language="Welsh")
        archive_course(course_id=gone.pk, actor=sofia)
        make_course(title="Somebody else's")
        page = client.get(page_of(sofia))
        assert titles(page) == ["Sooner", "Later"]
        assert "Teaches in Catalan, Spanish" in page.text
        for hidden in ("Draft", "Secret", "Gone", "Latin", "Greek", "Welsh"):
            assert hidden not in page.text
        assert "robots" not in head(page)

    def test_photo_and_words(self, client, sofia, settings, tmp_path):
        settings.MEDIA_ROOT, settings.SITE_URL = tmp_path, "https://talk.example"
        made = introduce(user=sofia, words="I **teach**.\n<script>", photo=drawn())
        page = client.get(page_of(sofia))
        assert "<strong>teach</strong>" in page.text
        assert "<script>\n" not in page.text
        assert made.photo.url in page.text
        told = head(page)
        assert told["og:description"] == told["description"] == "I teach. &lt;script&gt;"
        assert told["og:image"] == f"https://talk.example/share/teachers/{sofia.pk}.jpg"
        shared = client.get(f"/share/teachers/{sofia.pk}.jpg")
        with Image.open(BytesIO(shared.content)) as shown:
            assert (shown.format, shown.size) == ("JPEG", (630, 630))
        assert client.get(made.photo.url).getvalue().startswith(b"RIFF")

    def test_without_them(self, client, sofia):
        told = head(client.get(page_of(sofia)))
        assert told["og:image"].endswith("/img/share.png")
        assert told["og:image:height"] == "630"
        assert "teaches live online" in told["og:description"]
        assert client.get(f"/share/teachers/{sofia.pk}.jpg").status_code == 404

    def test_more_courses_ask_the_database_no_more(self, client, sofia):
        client.force_login(student_with_credit())
        make_course(teacher=sofia, sessions=1)
        few = self.statements(client, sofia)
        for _ in range(3):
            make_course(teacher=sofia, sessions=2)
        assert self.statements(client, sofia) == few <= 12

    def statements(self, client, teacher) -> int:
        client.get(page_of(teacher))
        with CaptureQueriesContext(connection) as asked:
            client.get(page_of(teacher))
        return len(asked)


class TestRecord:
    def test_nothing_that_nobody_booked(self, sofia):
        course = make_course(teacher=sofia, sessions=3)
        past, off, moved = course.sessions.all()
        end_session(past)
        cancel_session(session_id=off.pk, actor=sofia)
        move_session(
            session_id=moved.pk, actor=sofia, starts_at=moved.starts_at + DAY, duration_minutes=60
        )
        bought = purchase_session(student=student_with_credit(), session_id=moved.pk)
        cancel_session_purchase(student=bought.user, purchase_id=bought.pk)
        assert record_of(sofia) == Record(None, 0, 0, 0)

    def test_what_became_of_what_was_booked(self, client, sofia):
        course = make_course(teacher=sofia, sessions=4)
        first, off, moved, lengthened = course.sessions.all()
        for _ in range(2):
            student = student_with_credit()
            enroll_full_course(student=student, course_id=course.pk)
        cancel_session(session_id=off.pk, actor=sofia)
        for session, later, minutes in ((moved, DAY, 60), (lengthened, 0 * DAY, 90)):
            move_session(
                session_id=session.pk,
                actor=sofia,
                starts_at=session.starts_at + later,
                duration_minutes=minutes,
            )
        end_session(first, ago=timedelta(days=40))
        HoldPart.objects.filter(session=first).update(
            status="released", settled_at=timezone.now(), teacher_amount="1.00", amount="1.00"
        )
        record = record_of(sofia)
        assert record == Record(first.starts_at, held=1, moved=1, called_off=1)
        page = client.get(page_of(sofia)).text
        assert first.starts_at.strftime("%b %Y") in page
        for name in ("Taught", "Moved", "Cancelled"):
            assert f'<dt>{name}</dt><dd class="figure-value">1</dd>' in page

    def test_where_the_teacher_was_absent_none_was_held(self, sofia):
        course = make_course(teacher=sofia, sessions=1)
        purchase_session(student=student_with_credit(), session_id=course.sessions.get().pk)
        end_session(course.sessions.get())
        HoldPart.objects.update(
            status="refunded",
            settled_at=timezone.now(),
            reason="teacher_absent",
            refunded_amount="16.00",
        )
        assert record_of(sofia).held == 0

    def test_one_is_counted_once(self, sofia):
        course = make_course(teacher=sofia, sessions=1)
        for _ in range(2):
            bought = purchase_session(
                student=student_with_credit(), session_id=course.sessions.get().pk
            )
            release_hold(bought.hold)
        assert record_of(sofia).held == 1
        assert record_of(TeacherFactory()) == Record(None, 0, 0, 0)


def test_the_sitemap_has_teachers_with_a_course(client, settings, sofia):
    settings.SITE_URL = "https://talk.example"
    assert client.get("/sitemap-teachers-1.xml").status_code == 404
    make_course(teacher=TeacherFactory(), by_link_only=True)
    make_course(teacher=sofia)
    make_course(teacher=sofia)
    assert addresses(client.get("/sitemap.xml"))[1:] == [
        "https://talk.example/sitemap-teachers-1.xml"
    ]
    part = client.get("/sitemap-teachers-1.xml")
    assert addresses(part) == [f"https://talk.example{page_of(sofia)}"]
    assert client.get("/sitemap-teachers-2.xml").status_code == 404
