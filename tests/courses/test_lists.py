"""Languages and categories are spelled in one way."""

from importlib import import_module

import pytest
from django.apps import apps

from courses import lists
from courses.models import Course
from teaching.forms import CourseForm
from tests.factories import StaffFactory, make_course

pytestmark = pytest.mark.django_db
TYPED = {"title": "Chess", "level": "beginner", "language": "English", "category": "Games"}


def form(**typed) -> CourseForm:
    return CourseForm(TYPED | typed)


def test_languages_in_use_come_first():
    make_course(language="Welsh", sessions=1)
    assert lists.languages()[0] == "Welsh"
    assert lists.languages().count("Welsh") == 1
    assert {"Spanish", "Ukrainian", "Guarani"} <= {*lists.languages()}
    assert not {"American English", "No linguistic content"} & {*lists.languages()}


@pytest.mark.parametrize(
    ("typed", "kept"), [("sPANISH ", "Spanish"), ("swiss  german", "Swiss German")]
)
def test_a_language_is_kept_as_the_list_spells_it(typed, kept):
    filled = form(language=typed)
    assert filled.is_valid()
    assert filled.cleaned_data["language"] == kept


def test_only_listed_languages_are_taken_and_those_that_are_there():
    assert form(language="Elvish").errors["language"] == ["Choose one from the list."]
    course = make_course(language="Elvish", sessions=1)
    unchanged = CourseForm(TYPED | {"language": "Elvish"}, course=course)
    assert unchanged.is_valid()


def test_a_category_of_ones_own_is_kept_once():
    assert form(category=" Bee   keeping").is_valid()
    make_course(category="Bee keeping", sessions=1)
    again = form(category="bee keeping")
    assert again.is_valid()
    assert again.cleaned_data["category"] == "Bee keeping"
    assert "Bee keeping" in lists.categories()


def test_staff_spell_them_so_too(client):
    course = make_course(sessions=1)
    client.force_login(StaffFactory())
    where = f"/admin/courses/course/{course.pk}/change/"
    typed = {
        "title": course.title,
        "level": "beginner",
        "language": "welsh",
        "category": "languages",
        "price_full_course": "100.00",
        "sessions-TOTAL_FORMS": "0",
        "sessions-INITIAL_FORMS": "0",
    }
    assert client.post(where, typed).status_code == 302
    course.refresh_from_db()
    assert (course.language, course.category) == ("Welsh", "Languages")
    assert "Choose one from the list." in client.post(where, typed | {"language": "x"}).text


def test_old_spellings_become_one():
    for language, category in (
        ("spanish", "languages"),
        ("Spanish", "LANGUAGES "),
        ("elvish", "Bees"),
        ("Elvish", "bees"),
        ("Elvish", "Bees"),
    ):
        make_course(language=language, category=category, sessions=1)
    module = import_module("courses.migrations.0017_one_spelling")
    for _ in range(2):
        module.merge(apps, None)
        found = Course.objects.order_by("pk").values_list("language", "category")
        assert list(found) == [
            ("Spanish", "Languages"),
            ("Spanish", "Languages"),
            ("Elvish", "Bees"),
            ("Elvish", "Bees"),
            ("Elvish", "Bees"),
        ]
