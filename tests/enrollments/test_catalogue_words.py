"""The catalogue by words finds what has them all, in its order, whichever way it looks."""

import random

import pytest
from django.http import QueryDict

from accounts.models import NameWord
from common.words import Term, terms_of, words_in
from courses import notes, queries, search
from courses.models import Course, CourseWord
from enrollments.forms import CatalogueForm
from enrollments.shop import found
from enrollments.shop.found import Moment
from tests.factories import DAY, TeacherFactory, make_course

pytestmark = [pytest.mark.django_db, pytest.mark.both]

WORDS = ("amber", "basil", "cedar", "cello", "dune")
COURSES, ASKED = 24, 60
ORDERS = ("best", "next", "newest", "cheapest", "title")
# What counts as rare, and as seldom, and how many some are.
BOUNDS = [(300, 3000, 600), (1, 6, 2), (1, 0, 12), (5, 0, 2), (12, 0, 2)]


@pytest.fixture
def dice(request) -> random.Random:
    """Each test's own, and the same each time."""
    return random.Random(request.node.name)


@pytest.fixture(autouse=True)
def _courses(db, dice):
    teachers = [TeacherFactory(display_name=name) for name in ("Ada Amber", "Bo Dune", "Cy Fern")]
    for number in range(COURSES):
        make_course(
            teacher=dice.choice(teachers),
            title=f"{' '.join(dice.sample(WORDS, dice.randint(0, 2)))} {number}",
            description=" ".join(dice.sample(WORDS, dice.randint(0, 3))),
            sessions=1,
            starts_in=(1 + number * 7 % COURSES) * DAY,
            price_full_course=f"{20 + number % 3}.00",
            category=dice.choice(["Music", "Languages"]),
        )
    lately = Course.objects.values_list("pk", flat=True)[:5]
    Course.objects.exclude(pk__in=[*lately]).update(words_at=None)


def meets(course: Course, term: Term, *, leading: bool = False) -> bool:
    """By its texts and the name of its teacher, one by one."""
    leads = f"{course.title} {course.teacher.display_name} {course.category} {course.language}"
    words = words_in(f"{leads} {course.level}{'' if leading else ' ' + course.description}")
    return term.word in words or (
        term.is_beginning and any(word.startswith(term.word) for word in words)
    )


def best(courses: list[Course], terms: list[Term]) -> dict[Course, int]:
    """How many words each has outside its description, of those in which courses differ."""
    led = {
        term: {course for course in courses if meets(course, term, leading=True)} for term in terms
    }
    met = {term: {course for course in courses if meets(course, term)} for term in terms}
    differing = [term for term in terms if led[term] and met[term] - led[term]]
    return {course: -sum(course in led[term] for term in differing) for course in courses}


def expected(words: str, order: str, category: str) -> list[Course]:
    courses = [*Course.objects.select_related("teacher")]
    terms = terms_of(words)
    leading = best(courses, terms)
    places = {
        "best": lambda one: (leading[one], one.next_starts_at),
        "next": lambda one: one.next_starts_at,
        "newest": lambda one: 0,
        "cheapest": lambda one: one.price,
        "title": lambda one: one.title,
    }
    courses.sort(key=lambda one: one.created_at, reverse=True)
    found_by = [
        one
        for one in courses
        if all(meets(one, term) for term in terms) and category in ("", one.category)
    ]
    return sorted(found_by, key=places[order])


@pytest.mark.parametrize("most", [4, 300])
@pytest.mark.parametrize("bounds", BOUNDS)
def test_what_has_all_words_is_found_in_its_order(dice, monkeypatch, settings, bounds, most):
    rare, seldom, some = bounds
    for place, name, value in (
        (found, "MOST", most), (search, "RARE", rare), (queries, "RARE", rare),
        (search, "SELDOM", seldom), (queries, "SOME", some), (found, "SPARE", rare),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, value)
    notes.forget_notes()
    lengths = set()
    for _ in range(ASKED):
        # By what is noted, or not.
        settings.SEARCH_VOCABULARY_SECONDS = dice.choice([0, 3600])
        typed = dice.sample([*WORDS, "fern", "mus", "ce", "b"], dice.randint(1, 3))
        order, category = dice.choice(ORDERS), dice.choice(["", "", "Music"])
        query = QueryDict(mutable=True)
        query.update({"search": " ".join(typed), "order": order, "category": category})
        wanted = expected(" ".join(typed), order, category)
        # Again, as it may be noted by then that there are more than are shown.
        for told in ("first", typed, order, category), ("again", typed, order, category):
            shown = CatalogueForm(query, moment=Moment.read()).courses()
            assert (shown.count(), shown.has_more) == (
                min(len(wanted), most),
                len(wanted) > most,
            ), told
            assert shown[1:3] == wanted[1:3], told
            assert shown[0:most] == wanted[:most], told
        lengths.add(len(wanted))
    notes.forget_notes()
    assert 0 in lengths
    assert max(lengths) > 4


def test_many_words_of_one_course_that_begin_alike_hide_no_other():
    one, other = Course.objects.all()[:2]
    many = [f"many{number:03}" for number in range(queries.RARE + 1)]
    CourseWord.objects.bulk_create(CourseWord(course=one, word=word, leads=False) for word in many)
    CourseWord.objects.create(course=other, word="manyz", leads=False)
    named = TeacherFactory(display_name="Di"), TeacherFactory(display_name="Ed")
    taught = [make_course(teacher=teacher) for teacher in named]
    NameWord.objects.bulk_create(NameWord(user=named[0], word=f"named{word}") for word in many)
    NameWord.objects.create(user=named[1], word="namedz")
    for words, wanted in (("many", [one, other]), ("named", taught)):
        courses, few, _ = search.Search.of(words).part(Course.objects.all())
        assert {*(courses.filter(few) if few else courses)} == {*wanted}
