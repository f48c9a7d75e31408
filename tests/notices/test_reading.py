"""What people were told, on the pages and over the API: read, and acknowledged."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notices.models import Notice
from notices.services.outbox import put
from tests.api.conftest import client_of
from tests.factories import UserFactory
from tests.forms import shown

pytestmark = pytest.mark.django_db
NOON = datetime(2027, 3, 29, 12, tzinfo=UTC)
FACTS = {"title": "Spanish to go", "at": NOON}
SAID = "Spanish to go moved to Mon 29 Mar 2027, 14:00 CEST"


@pytest.fixture
def ada():
    return UserFactory(time_zone="Europe/Madrid")


@pytest.fixture
def kind(make_kind):
    return make_kind(must_acknowledge=True, page=lambda notice: "/learning/?show=past")


@pytest.fixture
def notice(ada, kind) -> Notice:
    return tell(ada, kind)


@pytest.fixture
def api(ada):
    return client_of(ada)


@pytest.fixture
def browser(client, ada) -> Client:
    client.force_login(ada)
    return client


def tell(reader, kind, about=1, **more) -> Notice:
    notice = kind.tell(reader.pk, about=about, facts=FACTS, **more)
    put([notice])
    return notice


class TestOverTheApi:
    def test_what_is_there(self, api, ada, kind):
        course, session = uuid4(), uuid4()
        notice = tell(ada, kind, course_id=course, session_id=session)
        [row] = api.get("/api/notices").json()
        assert row == {
            "id": str(notice.pk),
            "kind": "moved",
            "text": SAID,
            "created_at": notice.created_at.isoformat().replace("+00:00", "Z"),
            "read_at": None,
            "acknowledged_at": None,
            "must_acknowledge": True,
            "course_id": str(course),
            "session_id": str(session),
        }

    def test_read_and_again(self, api, notice):
        row = api.post(f"/api/notices/{notice.pk}/read").json()
        assert row["read_at"] > row["created_at"]
        assert row["acknowledged_at"] is None
        again = api.post(f"/api/notices/{notice.pk}/read")
        assert (again.status_code, again.json()) == (200, row)

    def test_acknowledged_it_is_read_as_well_and_keeps_when(self, api, notice):
        row = api.post(f"/api/notices/{notice.pk}/acknowledge").json()
        assert row["read_at"] == row["acknowledged_at"] > row["created_at"]
        for deed in ("acknowledge", "read"):
            again = api.post(f"/api/notices/{notice.pk}/{deed}")
            assert (again.status_code, again.json()) == (200, row)

    def test_acknowledging_keeps_when_it_was_read(self, api, notice):
        read_at = api.post(f"/api/notices/{notice.pk}/read").json()["read_at"]
        assert api.post(f"/api/notices/{notice.pk}/acknowledge").json()["read_at"] == read_at

    def test_only_the_unread(self, api, ada, kind, notice):
        other = tell(ada, kind, about=2)
        api.post(f"/api/notices/{notice.pk}/read")
        unread, both = (api.get(f"/api/notices?unread={word}").json() for word in ("true", "false"))
        assert [row["id"] for row in unread] == [str(other.pk)]
        assert [row["id"] for row in both] == [str(other.pk), str(notice.pk)]
        assert api.get("/api/notices?unread=yes").json()["details"] == {
            "unread": ["Choose true or false."]
        }

    def test_pages_of_it(self, api, ada, kind):
        told = [str(tell(ada, kind, about=n).pk) for n in range(3)]
        first = api.get("/api/notices?unread=true&limit=2")
        rest = api.get(first["Link"].split(">")[0][1:])
        assert [row["id"] for row in [*first.json(), *rest.json()]] == told[::-1]

    @pytest.mark.parametrize("deed", ["read", "acknowledge"])
    def test_somebody_elses_is_not_there(self, notice, deed):
        other = client_of(UserFactory())
        assert other.get("/api/notices").json() == []
        answer = other.post(f"/api/notices/{notice.pk}/{deed}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert not Notice.objects.exclude(read_at=None).exists()

    def test_what_is_a_mail_alone_is_not_there(self, api, ada, make_kind):
        notice = tell(ada, make_kind("private", text=None))
        assert api.get("/api/notices").json() == []
        assert api.post(f"/api/notices/{notice.pk}/read").status_code == 404

    def test_the_statements_do_not_grow(self, api, ada, kind):
        def cost():
            with CaptureQueriesContext(connection) as asked:
                assert api.get("/api/notices").status_code == 200
            return len(asked)

        tell(ada, kind)
        few = cost()
        for n in range(2, 9):
            tell(ada, kind, about=n)
        assert cost() == few == 2


def bell(page) -> str:
    """What the bell says, to those who hear it."""
    return " ".join(page.text.split('class="bell"')[1].split("</a>")[0].split()[-8:])


class TestOnThePages:
    def test_the_bell_counts_what_is_unread(self, browser, ada, kind, notice):
        assert "1<span" in bell(browser.get("/learning/"))
        tell(ada, kind, about=2)
        tell(UserFactory(), kind)
        assert "2<span" in bell(browser.get("/learning/"))
        Notice.objects.update(read_at=NOON)
        assert "unread" not in bell(browser.get("/learning/"))

    def test_guests_have_none_and_ask_nothing(self, client, notice):
        with CaptureQueriesContext(connection) as asked:
            page = client.get("/login/")
        assert 'class="bell"' not in page.text
        assert not [sql for sql in asked if "notices" in sql["sql"]]

    def test_it_is_one_count_by_an_index_alone(self, browser, notice):
        with CaptureQueriesContext(connection) as asked:
            browser.get("/profile/")
        [count] = [sql["sql"] for sql in asked if "notices" in sql["sql"]]
        assert "COUNT(*)" in count
        if getattr(connection, "mysql_is_mariadb", False):  # MySQL explains in other words
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {count}")
                plan = dict(
                    zip([name[0] for name in cursor.description], cursor.fetchone(), strict=True)
                )
            assert plan["key"] == "notices_of_reader"
            assert "Using index" in plan["Extra"]

    def test_the_list(self, browser, notice):
        page = browser.get("/notices/")
        assert SAID in page.text.replace("&quot;", '"')
        assert "New" in page.text
        browser.post("/notices/read/")
        notice.refresh_from_db()
        assert notice.read_at
        assert notice.acknowledged_at is None
        page = browser.get("/notices/")
        assert "New" not in page.text
        assert "Got it" in page.text

    def test_nothing_yet(self, browser):
        assert "No notices yet" in browser.get("/notices/").text

    def test_opened_it_is_read_and_leads_on(self, browser, notice):
        answer = browser.post(reverse("notices:follow", args=[notice.pk]))
        assert answer["Location"] == "/learning/?show=past"
        notice.refresh_from_db()
        assert notice.read_at

    def test_it_stays_on_my_learning_until_it_is_acknowledged(self, browser, notice):
        browser.post("/notices/read/")
        page = browser.get("/learning/?show=past")
        assert SAID in page.text
        assert page.text.index(SAID) < page.text.index("Nothing booked yet")
        url = reverse("notices:acknowledge", args=[notice.pk])
        back = browser.post(url, shown(page))
        assert back["Location"] == "/learning/?show=past"
        assert SAID not in browser.get("/learning/").text
        assert SAID in browser.get("/notices/").text

    def test_of_many_some_and_the_way_to_the_rest(self, browser, ada, kind):
        for n in range(11):
            tell(ada, kind, about=n)
        page = browser.get("/learning/").text
        assert page.count("Got it") == 10
        assert "All notices" in page

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", ""])
    def test_it_leads_nowhere_else(self, browser, notice, elsewhere):
        url = reverse("notices:acknowledge", args=[notice.pk])
        assert browser.post(url, {"next": elsewhere})["Location"] == "/notices/"

    @pytest.mark.parametrize("name", ["follow", "acknowledge"])
    def test_somebody_elses_is_not_there(self, client, notice, name):
        client.force_login(UserFactory())
        assert client.post(reverse(f"notices:{name}", args=[notice.pk])).status_code == 404
        notice.refresh_from_db()
        assert (notice.read_at, notice.acknowledged_at) == (None, None)

    @pytest.mark.parametrize("path", ["/notices/", "/notices/read/"])
    def test_guests_log_in_first(self, client, path):
        answer = client.get(path) if path == "/notices/" else client.post(path)
        assert answer["Location"].startswith("/login/")

    def test_words_of_others_are_text(self, browser, ada, kind):
        put([kind.tell(ada.pk, about=1, facts=FACTS | {"title": "<script>alert(1)</script>"})])
        for path in ("/notices/", "/learning/"):
            assert "<script>alert" not in browser.get(path).text

    @pytest.mark.parametrize("path", ["/notices/", "/learning/"])
    def test_the_statements_do_not_grow(self, browser, ada, kind, path):
        def cost():
            with CaptureQueriesContext(connection) as asked:
                assert browser.get(path).status_code == 200
            return len(asked)

        tell(ada, kind)
        few = cost()
        for n in range(2, 9):
            tell(ada, kind, about=n)
        assert cost() == few
