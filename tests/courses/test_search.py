"""What a search finds, in which order, and alike on every database."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NameWord, User
from accounts.proving import use_password_link
from accounts.services import change_profile
from common.words import LONGEST_SEARCH, terms_of, words_in
from common.writing import insert
from courses import notes, search
from courses.models import Course, CourseWord
from courses.services import archive_course
from enrollments.services.sessions import change_course
from tests.factories import (
    DAY,
    PASSWORD,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    make_course,
    start_session,
)

pytestmark = pytest.mark.django_db

# What is typed, the titles found in their order, and what the page says it looked for instead.
TABLE: dict[str, tuple[list[str], str]] = {
    "spanish beginner": (["Spanish for travellers", "Wine and words"], ""),
    "beginner spanish": (["Spanish for travellers", "Wine and words"], ""),
    "spanish": (["Conversational Spanish", "Spanish for travellers", "Wine and words"], ""),
    "Span": (["Conversational Spanish", "Spanish for travellers", "Wine and words"], ""),
    "span beginner": ([], ""),
    "pan": ([], ""),
    "sofia marin": (["Calligraphy for everyone", "Spanish for travellers"], ""),
    "SOFÍA": (["Calligraphy for everyone", "Spanish for travellers"], ""),
    "marin spanish": (["Spanish for travellers"], ""),
    "lukasz": (["Conversational Spanish", "Wine and words", "日本語の会話"], ""),
    "ŁUKASZ đur": (["Conversational Spanish", "Wine and words", "日本語の会話"], ""),
    "calligrafy": (["Calligraphy for everyone"], "calligraphy"),
    "begginer": (
        ["Calligraphy for everyone", "Wine and words", "Spanish for travellers"],
        "beginner",
    ),
    "conversatinal spansh": (["Conversational Spanish"], "conversational spanish"),
    "Sofai  Marín": (["Calligraphy for everyone", "Spanish for travellers"], "sofia  Marín"),
    "ver": ([], ""),
    "xyzzy": ([], ""),
    "spanish xyzzy": ([], ""),
    "会話": (["日本語の会話"], ""),
    "日本": (["日本語の会話"], ""),
    "日": (["日本語の会話"], ""),
    "話": (["日本語の会話"], ""),
    "語会": ([], ""),
    "\uff33panish\u3000tapas": (["Wine and words"], ""),
    "l'ecole": (["日本語の会話"], ""),
    "%": ([], ""),
}


@pytest.fixture
def courses(db):
    """The later it is made, the later it starts."""
    sofia = TeacherFactory(display_name="Sofía Marín")
    lukasz = TeacherFactory(display_name="Łukasz Đurić")
    art = {"language": "English", "category": "Art"}
    plans = (
        (lukasz, "Conversational Spanish", {"level": "intermediate"}),
        (sofia, "Calligraphy for everyone", art | {"description": "Ink, paper and **patience**."}),
        (lukasz, "Wine and words", art | {"description": "Tapas, and a word of Spanish."}),
        (sofia, "Spanish for travellers", {}),
        (lukasz, "日本語の会話", {"language": "Japanese", "level": "advanced", **ECOLE}),
    )
    return {
        title: make_course(teacher=teacher, title=title, sessions=1, starts_in=n * DAY, **terms)
        for n, (teacher, title, terms) in enumerate(plans, 1)
    }


ECOLE = {"description": "À l'École"}


def titles(page) -> list[str]:
    return [course.title for course in page.context["page_obj"].object_list]


def found(words: str) -> list[str]:
    return titles(Client().get("/", {"search": words}))


def by_the_page() -> dict[str, tuple[list[str], str]]:
    pages = {words: Client().get("/", {"search": words}) for words in TABLE}
    return {words: (titles(page), page.context["shown_for"]) for words, page in pages.items()}


@pytest.mark.usefixtures("courses")
def test_the_table():
    assert by_the_page() == TABLE


def test_the_table_among_ten_thousand(courses, settings):
    """Whose words are everywhere, though they have nothing to come, so that no page lists them."""
    notes.forget_notes()
    settings.SEARCH_VOCABULARY_SECONDS = 3600
    fill(10_000)
    assert by_the_page() == TABLE
    # By what was noted of words that many have, which tells how to ask and not what is so.
    assert by_the_page() == TABLE
    wine = courses["Wine and words"]
    change_course(course_id=wine.pk, actor=wine.teacher, title="Wine in Spanish", level="advanced")
    assert "Wine in Spanish" in found("spanish advanced")
    change_profile(user=wine.teacher, display_name="Sofía Spanish", time_zone="UTC")
    assert "Wine in Spanish" in found("sofia spanish")
    change_course(course_id=wine.pk, actor=wine.teacher, description="Tapas", title="Wine")
    assert "Wine" not in found("travellers spanish")
    with CaptureQueriesContext(connection) as asked:
        assert found("class english begun") == []
    # Of words that lead wherever they are, no order is made, for which all courses would be read.
    assert [bool(search.Search.of(words).best()) for words in ("class begun", "spanish")] == [
        False,
        True,
    ]
    # Words that never meet are compared without going through the courses.
    going_through = [one for one in asked if "w.course_id = courses.id" in one["sql"]]
    assert not [one for one in going_through if "courses.id IN" not in one["sql"]]
    # Nor again, while it is noted; what has them since is found.
    with CaptureQueriesContext(connection) as asked:
        assert found("class english begun") == []
    assert not [one for one in asked if "JOIN course_words" in one["sql"]]
    change_course(course_id=wine.pk, actor=wine.teacher, title="Begun: an English class")
    assert found("class english begun") == ["Begun: an English class"]
    assert len(Client().get("/api/courses", {"search": "spansh travellers"}).json()) == 1
    many = Client().get("/api/courses", {"search": "spanish", "limit": 50})
    assert len(many.json()) == 50
    assert many.headers["Link"]


def fill(count: int) -> None:
    """Courses of teachers whose names begin alike: a third of them teach Spanish, to advanced."""
    teachers = [
        User(email=f"sofia{n}@example.com", display_name="Sofía", is_teacher=True)
        for n in range(400)
    ]
    texts = {"status": "published", "level": "advanced", "language": "", "category": ""}
    tongues = ("spanish", "english", "begun")
    made = [Course(teacher=teachers[n % 400], title=tongues[n % 3], **texts) for n in range(count)]
    for rows in (teachers, made):
        for start in range(0, len(rows), 1000):
            insert(rows[start : start + 1000])
    with connection.cursor() as cursor:
        for word in ("title", "level", "'class'"):
            cursor.execute(
                f"INSERT INTO course_words (course_id, word, leads) SELECT id, {word}, 1"
                " FROM courses WHERE title IN %s" % repr(tongues)
            )
        cursor.execute(
            "INSERT INTO user_words (user_id, word) SELECT id, 'sofia'"
            " FROM users WHERE email LIKE 'sofia%'"
        )


class TestThePage:
    def test_says_what_it_shows_instead(self, client, courses):
        page = client.get("/", {"search": "spansh"})
        assert "Showing results for <strong>spanish</strong>" in page.text
        assert 'value="spansh"' in page.text
        assert "Showing results" not in client.get("/", {"search": "spanish"}).text

    def test_says_nothing_of_what_was_not_found(self, client, courses):
        assert (
            "Showing results" not in client.get("/", {"search": "spansh <b>"}).text.split("h2")[0]
        )

    def test_the_best_match_comes_first_unless_asked_otherwise(self, client, courses):
        best = found("spanish")
        assert best[-1] == "Wine and words"
        asked = client.get("/", {"search": "spanish", "order": "next"})
        assert titles(asked) == [best[0], "Wine and words", best[1]]
        page = client.get("/", {"search": "spanish"}).text
        assert '<option value="best"' in page

    @pytest.mark.parametrize("words", ["", " "])
    def test_without_words_there_is_no_best_match(self, client, courses, words):
        page = client.get("/", {"search": words, "order": "best"})
        assert len(titles(page)) == 5
        assert "best" not in page.text.split('name="order"')[1].split("</select>")[0]
        assert "We ignored" not in page.text

    def test_what_has_nothing_to_come_is_in_the_api_alone(self, client, courses):
        course = courses["Wine and words"]
        start_session(course.sessions.get())
        assert "Wine and words" not in found("")
        assert found("tapas") == []
        assert client.get(f"/courses/{course.pk}/").status_code == 200
        listed = client.get("/api/courses", {"search": "tapas"}).json()
        assert [row["id"] for row in listed] == [str(course.pk)]


class TestTheApi:
    def test_finds_the_same_in_its_own_order_page_by_page(self, client, courses):
        for words, (expected, _) in TABLE.items():
            rows = client.get("/api/courses", {"search": words, "ordering": "title"}).json()
            assert [row["title"] for row in rows] == sorted(expected), words
        first = client.get("/api/courses", {"search": "spansh", "limit": 2, "ordering": "title"})
        link = first.headers["Link"].split(">")[0][1:]
        rows = first.json() + client.get(link).json()
        assert [row["title"] for row in rows] == sorted(TABLE["spanish"][0])


class TestWhatIsKept:
    def test_a_changed_text_is_found_at_once(self, courses):
        course = courses["Wine and words"]
        change_course(course_id=course.pk, actor=course.teacher, title="Cheese", level="advanced")
        assert found("wine") == []
        assert found("cheese advanced spanish") == ["Cheese"]
        change_course(course_id=course.pk, actor=course.teacher, description="Cheese, at last")
        assert (found("cheese"), found("tapas"), found("last")) == (["Cheese"], [], ["Cheese"])

    def test_only_what_is_listed_has_words(self, courses):
        course = courses["Wine and words"]
        draft = make_course(title="Quokka", published=False)
        assert not CourseWord.objects.filter(course=draft).exists()
        change_course(course_id=draft.pk, actor=draft.teacher, title="Quokkas")
        assert not CourseWord.objects.filter(course=draft).exists()
        change_course(course_id=course.pk, actor=course.teacher, by_link_only=True)
        assert not CourseWord.objects.filter(course=course).exists()
        change_course(course_id=course.pk, actor=course.teacher, by_link_only=False)
        assert found("wine") == ["Wine and words"]
        archive_course(course_id=course.pk, actor=course.teacher)
        assert not CourseWord.objects.filter(course=course).exists()

    def test_what_does_not_touch_a_text_writes_no_words(self, courses, monkeypatch):
        course = courses["Wine and words"]
        with CaptureQueriesContext(connection) as asked:
            change_course(course_id=course.pk, actor=course.teacher, max_students=7)
        assert not [query for query in asked if "course_words" in query["sql"]]

    def test_a_renamed_teacher_is_found_by_the_new_name_alone(self, courses):
        sofia = User.objects.get(display_name="Sofía Marín")
        change_profile(user=sofia, display_name="Zofia Grün", time_zone="UTC")
        assert (
            found("grun")
            == found("zofia")
            == ["Calligraphy for everyone", "Spanish for travellers"]
        )
        assert found("marin") == []

    def test_one_whom_staff_rename_too(self, client, courses):
        sofia = User.objects.get(display_name="Sofía Marín")
        client.force_login(StaffFactory())
        form = {"email": sofia.email, "display_name": "Ada Grün", "time_zone": "UTC"}
        saved = client.post(
            f"/admin/accounts/user/{sofia.pk}/change/",
            form | {"is_active": "on", "is_teacher": "on"},
        )
        assert saved.status_code == 302
        assert (len(found("grun")), found("marin")) == (2, [])
        client.post(f"/admin/accounts/user/{sofia.pk}/change/", form | {"is_active": "on"})
        assert not NameWord.objects.filter(user=sofia).exists()

    def test_one_whose_account_was_handed_over_too(self):
        maker = TeacherFactory(display_name="Somebody Else", proved_since=None)
        use_password_link(user=maker, new_password=PASSWORD, visitor=None)
        assert {*maker.name_words.values_list("word", flat=True)} == {"unnamed"}

    def test_a_students_name_is_no_word(self):
        student = UserFactory(display_name="Nobody Teaches")
        change_profile(user=student, display_name="Still Nobody", time_zone="UTC")
        assert not NameWord.objects.exists()

    def test_a_slip_is_never_mended_by_what_nobody_may_read(self, courses):
        make_course(title="Xylophone", published=False)
        make_course(title="Zitherplay", by_link_only=True)
        UserFactory(display_name="Ottokar Quokka")
        assert found("xylophon") == found("zitherplai") == found("quokk") == []


class TestMending:
    def test_what_was_changed_by_hand_is_mended_and_told(self, courses):
        assert self.mended() == "Mended: 0 of 5 courses, 0 of 2 names."
        Course.objects.filter(title="Wine and words").update(title="Cheese")
        CourseWord.objects.filter(word="calligraphy").delete()
        User.objects.filter(display_name="Sofía Marín").update(display_name="Sofía Grün")
        assert self.mended() == "Mended: 2 of 5 courses, 1 of 2 names."
        assert found("cheese") == ["Cheese"]
        assert len(found("grun")) == 2
        assert self.mended() == "Mended: 0 of 5 courses, 0 of 2 names."

    def mended(self) -> str:
        told = StringIO()
        call_command("rewrite_words", stdout=told)
        return told.getvalue().strip()


class TestVocabulary:
    def test_is_read_again_after_a_while(self, courses, settings):
        notes.forget_notes()
        settings.SEARCH_VOCABULARY_SECONDS = 3600
        assert search.nearest("calligrafy") == "calligraphy"
        with CaptureQueriesContext(connection) as asked:
            assert search.nearest("spansh") == "spanish"
        assert not [query for query in asked if "DISTINCT" in query["sql"]]
        make_course(title="Xylophone")
        assert search.nearest("xylophne") is None
        settings.SEARCH_VOCABULARY_SECONDS = 0
        assert search.nearest("xylophne") == "xylophone"

    def test_of_equally_near_words_the_commoner_is_meant(self):
        for title in ("Bread", "Break", "Break", "Break"):
            make_course(title=title, sessions=1)
        assert search.nearest("breav") == "break"

    @pytest.mark.parametrize(
        ("slip", "word"), [("spa", None), ("bredd", "bread"), ("brdda", None), ("begginre", None)]
    )
    def test_short_words_have_few_slips(self, slip, word):
        for title in ("Bread", "Spo", "Beginner"):
            make_course(title=title, sessions=1)
        assert search.nearest(slip) == word


class TestBounds:
    def test_however_much_is_typed_little_is_asked(self, client, courses):
        with CaptureQueriesContext(connection) as asked:
            client.get("/api/courses", {"search": "spanish " * 10_000})
        assert len(asked) <= 4
        with CaptureQueriesContext(connection) as asked:
            client.get("/api/courses", {"search": " ".join(f"{n}n" for n in range(1000))})
        assert len(asked) <= 20

    def test_what_few_have_takes_hardly_more_statements_than_everything(
        self, client, courses, settings
    ):
        notes.forget_notes()
        settings.SEARCH_VOCABULARY_SECONDS = 3600
        for path in ("/", "/api/courses"):
            client.get(path, {"search": "spansh travellers"})
            everything = statements(client, path)
            for words in ("wine", "spanish travellers", "spansh travellers"):
                assert statements(client, path, search=words) == everything + 1, words

    def test_what_a_slip_means_is_not_remembered_against_what_is_there(
        self, client, courses, settings
    ):
        notes.forget_notes()
        settings.SEARCH_VOCABULARY_SECONDS = 3600
        assert found("wime") == ["Wine and words"]
        make_course(title="Wime", sessions=1)
        assert found("wime") == ["Wime"]

    def test_a_search_has_ten_words_and_two_hundred_characters(self):
        assert len(terms_of("a b c d e f g h i j k l m")) == 10
        assert terms_of("a" * 5 + " " * LONGEST_SEARCH + "b") == terms_of("aaaaa")
        [cut] = terms_of("x" * 150)
        assert cut.word == "x" * 40 in words_in("x" * 150)


def statements(client: Client, path: str, **query: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        client.get(path, query)
    return len(asked)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Straße, œuvre & Ångström", {"strasse", "oeuvre", "angstrom"}),
        ("письмо", {"pismo"}),
        ("हिन्दी", {"hindi"}),
        ("you'll L\u2019École C++", {"you", "ll", "l", "ecole", "c"}),
        ("日本語abc話", {"日本", "本語", "語", "abc", "話"}),
        ("เรียน", {"เร", "รี", "ีย", "ยน", "น"}),
        ("snake_case 24/7", {"snake", "case", "24", "7"}),
        ("☕ —", set()),
    ],
)
def test_words_are_folded(text, words):
    assert words_in(text) == words
