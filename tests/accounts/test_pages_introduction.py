"""What teachers show of themselves: their photo and their words, and who can change them."""

from io import BytesIO, StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client, TestCase
from django.urls import reverse
from PIL import Image

from accounts.introducing import introduce
from accounts.models import Introduction, User
from accounts.proving import use_password_link
from common.errors import NotFound
from tests.factories import PASSWORD, TeacherFactory, UserFactory

pytestmark = pytest.mark.django_db

FORM = "/profile/introduction/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def sofia():
    return TeacherFactory(proved_since=None)


@pytest.fixture
def browser(sofia) -> Client:
    browser = Client()
    browser.force_login(sofia)
    return browser


def photo(size=(900, 300), kind="JPEG") -> SimpleUploadedFile:
    drawn = BytesIO()
    Image.new("RGB", size).save(drawn, kind)
    return SimpleUploadedFile("evil.svg", drawn.getvalue() + b"<?php echo 1; ?>", "image/jpeg")


def kept() -> Introduction:
    return Introduction.objects.get()


def test_only_teachers_have_the_form(browser):
    assert browser.get(FORM).status_code == 200
    other = Client()
    assert other.get(FORM).status_code == 302
    other.force_login(UserFactory())
    assert other.get(FORM).status_code == 404
    assert other.post(FORM, {"words": "I teach"}).status_code == 404
    assert not Introduction.objects.exists()


def test_words_are_kept_with_what_they_say(browser, sofia):
    answer = browser.post(FORM, {"words": "I **teach**\r\n# Loud"})
    assert answer.url == f"/teachers/{sofia.pk}/"
    assert kept().words == "I **teach**\n# Loud"
    assert "<strong>teach</strong>" in kept().html
    assert "<h3>Loud</h3>" in kept().html
    assert "I **teach**" in browser.get(FORM).text
    browser.post(FORM, {"words": ""})
    assert (kept().words, kept().html) == ("", "")
    page = browser.post(FORM, {"words": "x" * 3001})
    assert page.context["form"].errors["words"]


def test_a_preview_changes_nothing(browser):
    page = browser.post(FORM, {"words": "I **teach**", "step": "preview"})
    assert "<strong>teach</strong>" in page.text
    assert not Introduction.objects.exists()


def test_a_photo_is_redrawn_as_a_square(browser, django_capture_on_commit_callbacks):
    browser.post(FORM, {"photo": photo(), "words": "Hello"})
    first = kept().photo.name
    assert first.startswith("teachers/")
    assert first.endswith(".webp")
    with kept().photo.open() as file:
        content = file.read()
    assert b"<?php" not in content
    assert Image.open(BytesIO(content)).size == (300, 300)
    browser.post(FORM, {"words": "Hello again"})
    assert kept().photo.name == first
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(FORM, {"photo": photo((2000, 1500), "PNG"), "words": "Hello"})
    assert not default_storage.exists(first)
    with kept().photo.open() as file:
        assert Image.open(file).size == (640, 640)
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(FORM, {"remove_photo": "on", "words": "Hello"})
    assert kept().photo.name == ""
    assert not list(default_storage.listdir("teachers")[1])


@pytest.mark.parametrize(
    "file",
    [
        SimpleUploadedFile("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml"),
        SimpleUploadedFile("a.png", b"x" * (2 * 1024 * 1024 + 1), "image/png"),
        photo(kind="GIF"),
    ],
)
def test_anything_else_is_refused(browser, file):
    page = browser.post(FORM, {"photo": file, "words": "Hello"})
    assert set(page.context["form"].errors) == {"photo"}
    assert "Choose the photo again" in page.text
    assert not Introduction.objects.exists()


def test_a_hand_over_ends_what_the_accounts_maker_showed(sofia, django_capture_on_commit_callbacks):
    made = introduce(user=sofia, words="Trust me", photo=photo())
    before = User.objects.get(pk=sofia.pk)
    with django_capture_on_commit_callbacks(execute=True):
        use_password_link(user=sofia, new_password=PASSWORD[::-1], visitor=None)
    assert not Introduction.objects.exists()
    assert not default_storage.exists(made.photo.name)
    with pytest.raises(NotFound):
        introduce(user=before, words="Trust me")
    assert not Introduction.objects.exists()


def test_support_takes_it_down(sofia, browser):
    introduce(user=sofia, words="Buy at example.net", photo=SimpleUploadedFile("me.jpg", b"here"))
    kept = Introduction.objects.get().photo.name
    clerk = UserFactory(is_staff=True)
    call_command("make_staff_groups", stdout=StringIO())
    clerk.groups.add(Group.objects.get(name="support"))
    browser.force_login(clerk)
    page = reverse("admin:accounts_introduction_change", args=[sofia.pk])
    assert "Buy at example.net" in browser.get(page).content.decode()
    assert browser.post(page, {"words": "Nice"}).status_code == 403
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = browser.post(page.replace("change", "delete"), {"post": "yes"})
    assert answer.status_code == 302
    assert not Introduction.objects.exists()
    assert not default_storage.exists(kept)
