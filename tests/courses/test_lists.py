"""Languages and categories are spelled in one way."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from courses import lists
from courses.models import Category, Course
from talkplatform.management.commands.make_staff_groups import make_groups
from teaching.forms import CourseForm
from tests.factories import StaffFactory, UserFactory, make_course

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


def test_a_category_is_one_of_those_that_staff_keep():
    [refused] = form(category="Bees").errors["category"]
    assert refused.startswith("Choose one of these: Art, Business, ")
    Category.objects.create(name="Bees", position=1)
    assert lists.categories()[0] == "Bees"
    kept = form(category=" bEES")
    assert kept.is_valid()
    assert kept.cleaned_data["category"] == "Bees"


class TestStaff:
    @pytest.fixture
    def staff(self, client):
        # A test that empties the tables takes along what a migration put there.
        Category.objects.all().delete()
        for place, name in enumerate(lists.CATEGORIES, 1):
            Category.objects.create(name=name, position=10 * place)
        make_groups()
        clerk = UserFactory(is_staff=True)
        clerk.groups.add(Group.objects.get(name="support"))
        client.force_login(clerk)
        return client

    def change(self, staff, category, **typed):
        where = f"/admin/courses/category/{category.pk}/change/"
        saved = staff.post(where, {"name": category.name, "position": "5"} | typed)
        assert saved.status_code == 302

    def test_rename_one_with_its_courses(self, staff):
        course = make_course(category="Music", sessions=1)
        music = Category.objects.get(name="Music")
        self.change(staff, music, name="Songs  & tunes")
        course.refresh_from_db()
        assert course.category == "Songs & tunes"
        assert "Music" not in lists.categories()
        assert Category.objects.get(name="Songs & tunes").position == 5
        page = staff.get("/", {"search": "tunes"})
        assert [found.pk for found in page.context["page_obj"]] == [course.pk]
        assert not staff.get("/", {"search": "music"}).context["page_obj"].object_list

    def test_merge_two(self, staff):
        courses = [make_course(category=name, sessions=1) for name in ("Music", "Art")]
        self.change(staff, Category.objects.get(name="Music"), name=" aRT ")
        assert {Course.objects.get(pk=one.pk).category for one in courses} == {"Art"}
        assert Category.objects.filter(name__in=["Music", "Art"]).count() == 1

    def test_respell_and_order_one(self, staff):
        make_course(category="Music", sessions=1)
        make_course(category="Art", sessions=1)
        self.change(staff, Category.objects.get(name="Music"), name="MUSIC", position="1")
        assert lists.categories()[0] == "MUSIC"
        page = staff.get("/").text.split('name="category"')[1].split("</select>")[0]
        assert page.index("MUSIC") < page.index("Art")

    def test_add_one_but_none_twice(self, staff):
        for _ in range(2):
            assert b'value="130"' in staff.get("/admin/courses/category/add/").content
            added = staff.post("/admin/courses/category/add/", {"name": "Bees", "position": "7"})
            assert added.status_code == 302
        assert Category.objects.get(name="Bees").position == 7


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
