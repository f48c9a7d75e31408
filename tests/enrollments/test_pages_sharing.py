"""What search engines and messengers are told of courses."""

import re
from io import BytesIO
from xml.etree import ElementTree

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from courses.services import archive_course
from enrollments.services.sessions import change_course
from enrollments.views import sharing
from tests.factories import UserFactory, make_course

pytestmark = pytest.mark.django_db


def addresses(answer) -> list[str]:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/xml"
    places = ElementTree.fromstring(answer.content).iter()
    return [place.text for place in places if place.tag.endswith("loc")]


def head(page) -> dict[str, str]:
    found = re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', page.text)
    return dict(found)


def drawn(kind: str = "webp", size=(1280, 720), mode: str = "RGBA", **more: bytes) -> ContentFile:
    picture = BytesIO()
    Image.new(mode, size).save(picture, kind, **more)
    return ContentFile(picture.getvalue(), f"mine.{kind}")


class TestSitemap:
    def test_lists_what_anyone_may_come_across(self, client, settings):
        settings.SITE_URL = "https://talk.example"
        listed = make_course()
        make_course(published=False)
        make_course(by_link_only=True)
        gone = make_course()
        archive_course(course_id=gone.pk, actor=gone.teacher)
        left = make_course()
        left.teacher.is_active = False
        left.teacher.save()
        assert addresses(client.get("/sitemap.xml")) == [
            "https://talk.example/sitemap-1.xml",
            "https://talk.example/sitemap-teachers-1.xml",
        ]
        part = client.get("/sitemap-1.xml")
        course = f"https://talk.example/courses/{listed.pk}/"
        assert addresses(part) == ["https://talk.example/", course]
        assert "max-age=3600" in part.headers["Cache-Control"]

    def test_has_parts(self, client, monkeypatch):
        monkeypatch.setattr(sharing, "PAGES_PER_SITEMAP", 2)
        for _ in range(3):
            make_course(sessions=1)
        assert len(addresses(client.get("/sitemap.xml"))) == 2 + 2
        for kind, lengths in (("", [3, 1]), ("teachers-", [2, 1])):
            parts = [addresses(client.get(f"/sitemap-{kind}{n}.xml")) for n in (1, 2)]
            assert [len(part) for part in parts] == lengths
        for missing in (0, 3):
            assert client.get(f"/sitemap-{missing}.xml").status_code == 404

    def test_is_there_without_a_course(self, client):
        assert len(addresses(client.get("/sitemap-1.xml"))) == 1

    def test_robots_lead_there(self, client, settings):
        settings.SITE_URL = "https://talk.example"
        answer = client.get("/robots.txt")
        assert answer.headers["Content-Type"] == "text/plain"
        assert "Sitemap: https://talk.example/sitemap.xml" in answer.text
        assert "Disallow: /admin/" in answer.text


class TestLinks:
    def test_say_what_they_lead_to(self, client, settings):
        settings.SITE_URL = "https://talk.example"
        course = make_course(title="Tea & <talk>")
        words = "**Warm** words.\n\n- one"
        change_course(course_id=course.pk, actor=course.teacher, description=words)
        page = client.get(f"/courses/{course.pk}/?ref=0123456789")
        told = head(page)
        assert told["og:title"] == "Tea &amp; &lt;talk&gt;"
        assert told["og:url"] == f"https://talk.example/courses/{course.pk}/"
        assert told["og:image"] == "https://talk.example/static/img/share.png"
        assert told["og:description"] == told["description"] == "Warm words. one"
        assert f'<link rel="canonical" href="{told["og:url"]}">' in page.text
        assert "robots" not in told

    def test_by_link_only_is_told_to_messengers_alone(self, client):
        course = make_course(by_link_only=True)
        told = head(client.get(f"/courses/{course.pk}/"))
        assert told["robots"] == "noindex"
        assert told["og:title"] == course.title

    def test_a_picture_is_a_jpeg_of_their_size(self, client, settings):
        settings.SITE_URL = "https://talk.example"
        course = make_course()
        change_course(course_id=course.pk, actor=course.teacher, thumbnail=drawn())
        told = head(client.get(f"/courses/{course.pk}/"))
        path = told["og:image"].removeprefix("https://talk.example")
        answer = client.get(path)
        assert answer.headers["Content-Type"] == "image/jpeg"
        with Image.open(BytesIO(answer.content)) as shown:
            assert (shown.format, shown.size) == ("JPEG", (1200, 630))
        archive_course(course_id=course.pk, actor=course.teacher)
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize(("size", "status"), [((1280, 720), 200), ((6000, 4001), 404)])
    def test_one_that_was_kept_as_it_came_too(self, client, size, status):
        course, picture = make_course(), drawn("png", size, "L")
        change_course(course_id=course.pk, actor=course.teacher, thumbnail=picture)
        assert client.get(f"/share/{course.pk}.jpg").status_code == status

    def test_nothing_is_shown_of_one_whose_way_up_cannot_be_read(self, client):
        course, picture = make_course(), drawn("png", exif=b"nonsense")
        change_course(course_id=course.pk, actor=course.teacher, thumbnail=picture)
        assert client.get(f"/share/{course.pk}.jpg").status_code == 404

    def test_no_picture_is_shown_of_a_draft_or_of_none(self, client):
        course = make_course(published=False)
        change_course(course_id=course.pk, actor=course.teacher, thumbnail=drawn())
        path = f"/share/{course.pk}.jpg"
        assert client.get(path).status_code == 404
        for reader in (UserFactory(), course.teacher):
            client.force_login(reader)
            assert client.get(path).status_code == 404
        assert client.get(f"/share/{make_course().pk}.jpg").status_code == 404

    def test_the_drawn_one_has_their_size(self):
        with Image.open("static/img/share.png") as shown:
            assert (shown.format, shown.size) == ("PNG", (1200, 630))
