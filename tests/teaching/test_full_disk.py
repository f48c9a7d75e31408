"""A picture for which there is no room: the form says so, and no half of it stays behind.

The kernel refuses the bytes, as it does on a disk that is full.
"""

import resource
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.db.transaction import Atomic
from django.test import override_settings
from PIL import Image

from common.errors import Unavailable
from common.storage import WholeFiles
from common.transactions import TRIES, operation
from courses.models import Course
from tests.factories import StaffFactory, TeacherFactory, make_course
from tests.forms import shown
from tests.teaching import course_forms as teachers_forms
from tests.teaching import staff_forms
from tests.teaching.pages import at

pytestmark = pytest.mark.django_db

ROOM = 1000
NO_ROOM = "We couldn't store the file. Nothing was changed. Try again later."


class FullDisk(WholeFiles):
    """Has room for so many bytes of a file, and no more."""

    def _write(self, name, content):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
        try:
            return super()._write(name, content)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def full(settings):
    return override_settings(
        STORAGES=settings.STORAGES | {"default": {"BACKEND": f"{__name__}.FullDisk"}}
    )


def picture() -> SimpleUploadedFile:
    drawn = BytesIO()
    Image.effect_noise((640, 360), 100).save(drawn, "PNG")
    assert drawn.tell() > 100 * ROOM
    return SimpleUploadedFile("noise.png", drawn.getvalue(), "image/png")


def files(media: Path) -> list[str]:
    return sorted(path.name for path in media.rglob("*") if path.is_file())


@pytest.fixture
def teacher(client):
    teacher = TeacherFactory()
    client.force_login(teacher)
    return teacher


def test_a_course_is_drafted_once_there_is_room(client, teacher, media, full):
    form = teachers_forms.typed()
    with full:
        page = client.post(teachers_forms.NEW, form | {"thumbnail": picture()})
    assert page.context["form"].errors == {"thumbnail": [NO_ROOM]}
    assert "Choose the picture again" in page.text
    assert not Course.objects.exists()
    assert files(media) == []
    # The refusal passes: the same form may come again.
    assert client.post(teachers_forms.NEW, form | {"thumbnail": picture()}).status_code == 302
    assert files(media) == [Path(Course.objects.get().thumbnail.name).name]


def test_a_course_keeps_the_picture_it_has(client, teacher, media, full):
    client.post(teachers_forms.NEW, teachers_forms.typed(thumbnail=picture()))
    course, before = Course.objects.get(), files(media)
    url = at("edit_course", course)
    changes = {"title": "Changed", "thumbnail": picture()}
    with full:
        page = client.post(url, shown(client.get(url)) | changes)
    assert page.context["form"].errors == {"thumbnail": [NO_ROOM]}
    assert page.context["form"]["title"].value() == "Changed"
    assert Course.objects.get().title == "Spanish to go"
    assert files(media) == before


def test_staff_are_told_as_well(client, media, full):
    client.force_login(StaffFactory())
    course = make_course()
    terms = {"title": "Changed", "thumbnail": picture()}
    with full:
        page = client.post(staff_forms.page_of(course), staff_forms.form_of(course, **terms))
        assert staff_forms.errors(page).count("<li>") == 2
        assert NO_ROOM in staff_forms.errors(page)
        new = staff_forms.form_of(teacher=course.teacher_id, thumbnail=picture())
        assert NO_ROOM in staff_forms.errors(client.post(f"{staff_forms.COURSES}add/", new))
    assert Course.objects.get().title == "Spanish to go"
    assert not LogEntry.objects.exists()
    assert files(media) == []


def test_what_is_refused_for_another_reason_takes_its_picture_along(client, media):
    client.force_login(StaffFactory())
    past = staff_forms.new_session(-1)
    form = staff_forms.form_of(None, past, teacher=TeacherFactory().pk, thumbnail=picture())
    page = client.post(f"{staff_forms.COURSES}add/", form)
    assert "Choose a start in the future." in staff_forms.errors(page)
    assert files(media) == []


def test_a_large_upload_is_read_without_a_disk(client, teacher, tmp_path):
    large = SimpleUploadedFile("a.png", b"x" * 4 * 1024 * 1024, "image/png")
    with override_settings(FILE_UPLOAD_TEMP_DIR=tmp_path / "nowhere"):
        page = client.post(teachers_forms.NEW, teachers_forms.typed(thumbnail=large))
    refusal = "The picture is larger than 2 MB. Choose a smaller one."
    assert page.context["form"].errors == {"thumbnail": [refusal]}


class TestOperations:
    """A file is gone with the operation that stored it, and each try has its own."""

    def test_each_try_takes_its_file_along(self, media):
        tries = []

        @operation
        def store() -> None:
            tries.append(default_storage.save("courses/a.txt", ContentFile(b"a")))
            assert files(media) == ["a.txt"]
            if len(tries) < TRIES:
                raise OperationalError(1213, "deadlock found, database is locked")

        store()
        assert len(tries) == TRIES
        assert files(media) == ["a.txt"]

    @pytest.mark.both
    def test_it_stays_where_the_commit_may_have_succeeded(self, media, monkeypatch):
        @operation
        def store() -> None:
            default_storage.save("courses/a.txt", ContentFile(b"a"))

        commit = Atomic.__exit__

        def lose_the_answer(*args: object) -> None:
            commit(*args)
            raise OperationalError(2013, "lost connection, or database is locked")

        with monkeypatch.context() as patch:
            patch.setattr(Atomic, "__exit__", lose_the_answer)
            with pytest.raises(Unavailable):
                store()
        assert files(media) == ["a.txt"]

    def test_outside_of_an_operation_it_just_stays(self, media):
        default_storage.save("courses/a.txt", ContentFile(b"a"))
        assert files(media) == ["a.txt"]
        assert (media / "courses" / "a.txt").stat().st_mode & 0o777 == 0o644
