"""Descriptions in Markdown: rendered when saved, safe to show, and old ones as they were."""

import pytest
from django.urls import reverse

from common.markdown import to_html, to_words
from courses.models import Course, CourseDescription
from courses.services import create_course
from enrollments.services.sessions import change_course
from enrollments.services.timetable import copy_course
from tests.factories import TeacherFactory, make_course
from tests.forms import shown


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("# Big\n## Less", "<h3>Big</h3>\n<h3>Less</h3>"),
        ("### Head\n#### Sub\n###### Small", "<h3>Head</h3>\n<h4>Sub</h4>\n<h4>Small</h4>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("**a** *b*", "<p><strong>a</strong> <em>b</em></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>'),
        (
            "[us](https://example.com)",
            '<p><a href="https://example.com" rel="nofollow ugc">us</a></p>',
        ),
        ("", ""),
    ],
)
def test_what_can_be_said(text, made):
    assert to_html(text).strip() == made


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/x.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        '<a href="https://example.com" onclick="x()">x</a>',
        "<style>*{display:none}</style>",
        "<iframe src=https://example.com></iframe>",
    ],
)
def test_what_cannot(text):
    made = to_html(text)
    for bad in (
        "<script",
        "<img",
        "<style",
        "<iframe",
        "<a onclick",
        'href="javascript',
        'href="data',
    ):
        assert bad not in made


def test_its_words_alone():
    assert to_words(to_html("### You & I\n- **one**\n- [two](https://x.org)")) == "You & I one two"


pages = pytest.mark.django_db


@pytest.fixture
def teacher():
    return TeacherFactory()


def draft(teacher, **terms) -> Course:
    terms = {"title": "Chess", "language": "English", "category": "Games"} | terms
    return create_course(teacher=teacher, **terms)


def page_of(client, course):
    client.force_login(course.teacher)
    return client.get(reverse("enrollments:course", args=[course.pk])).text


@pages
def test_the_page_shows_it_and_the_head_says_plain_words(client, teacher):
    course = draft(teacher, description="### Bring\n- a **pen** & paper")
    page = page_of(client, course)
    assert "<h3>Bring</h3>" in page
    assert "<li>a <strong>pen</strong> &amp; paper</li>" in page
    assert '<meta name="description" content="Bring a pen &amp; paper">' in page


@pages
def test_a_change_is_rendered_and_the_api_gives_the_source(client, teacher):
    course = make_course(teacher=teacher)
    change_course(course_id=course.pk, actor=teacher, description="*new*")
    assert "<em>new</em>" in page_of(client, course)
    assert client.get(f"/api/courses/{course.pk}").json()["description"] == "*new*"


@pages
def test_what_was_written_before_looks_as_it_did(client, teacher):
    course = make_course(teacher=teacher, description="- one *two*\n\n<b>three</b>")
    assert not CourseDescription.objects.exists()
    said = "<p>- one *two*</p>\n\n<p>&lt;b&gt;three&lt;/b&gt;</p>"
    assert said in page_of(client, course)
    change_course(course_id=course.pk, actor=teacher, title="Another title")
    assert said in page_of(client, course)
    copied = copy_course(course_id=course.pk, actor=teacher, starts={})
    assert said in page_of(client, copied)


@pages
def test_a_copy_says_the_same(client, teacher):
    course = draft(teacher, description="*soon*")
    copied = copy_course(course_id=course.pk, actor=teacher, starts={})
    assert "<em>soon</em>" in page_of(client, copied)


@pages
def test_a_new_course_begins_with_three_headings(client, teacher):
    client.force_login(teacher)
    url = reverse("teaching:create_course")
    form = shown(client.get(url))
    for words in ("### What you'll learn", "### Who it's for", "### What to bring"):
        assert words in form["description"].replace("&#x27;", "'")
    typed = {"title": "Chess", "language": "English", "category": "Games", "level": "beginner"}
    client.post(url, form | typed)
    assert Course.objects.get().description == ""  # nothing was written


@pages
def test_it_is_looked_at_before_it_is_saved(client, teacher):
    course = draft(teacher, description="old")
    client.force_login(teacher)
    for url in (
        reverse("teaching:edit_course", args=[course.pk]),
        reverse("teaching:create_course"),
    ):
        form = shown(client.get(url)) | {"description": "*new*", "step": "preview"}
        page = client.post(url, form)
        assert "<em>new</em>" in page.text
        assert "This field is required" not in page.text
        assert "aria-invalid" not in page.text
        assert Course.objects.get().description == "old"
