"""Time zones by the names that browsers say, on systems that no longer know the old ones."""

import zoneinfo
from importlib.resources import files

import pytest
from django.test import Client as Browser

from accounts.models import User
from common import zones
from common.zones import ZONE_COOKIE_NAME, all_in_words, find_zone, in_words, time_zones
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

OLD_NAMES = ["Asia/Calcutta", "Asia/Katmandu", "Europe/Kiev", "America/Buenos_Aires"]


@pytest.fixture(params=["one zone", "none"])
def bare_system(request, tmp_path):
    """A system whose own data has one zone, or none."""
    if request.param == "one zone":
        (tmp_path / "Europe").mkdir()
        berlin = files("tzdata") / "zoneinfo" / "Europe" / "Berlin"
        (tmp_path / "Europe" / "Berlin").write_bytes(berlin.read_bytes())
    before = zoneinfo.TZPATH
    use(str(tmp_path))
    yield
    use(*before)


def use(*places: str) -> None:
    zoneinfo.reset_tzpath(to=places)
    zoneinfo.ZoneInfo.clear_cache()
    for kept in (time_zones, zones._known_as, zones._listed):
        kept.cache_clear()


@pytest.mark.parametrize("zone", OLD_NAMES)
def test_whoever_comes_from_an_old_name_sees_their_own_time(bare_system, client, zone):
    assert client.register(email="api@example.com", time_zone=zone).status_code == 201
    browser = Browser()
    assert zone not in {words.partition(" ")[0] for words in all_in_words()}
    person = {"email": "page@example.com", "display_name": "A", "password": PASSWORD}
    assert browser.post("/register/", person | {"time_zone": zone}).status_code == 302
    assert set(User.objects.values_list("time_zone", flat=True)) == {zone}
    assert f"Times are shown in {zone}." in browser.get("/profile/").content.decode()


def test_what_is_offered_is_taken_and_known(bare_system):
    offered = [find_zone(words) for words in all_in_words()]
    assert {"UTC", "Europe/Stockholm", "Europe/Oslo"} < {*offered} < time_zones() >= {"EST"}
    assert len({*offered}) == len(offered) > 400
    assert [in_words(name) for name in offered] == all_in_words()
    assert all(find_zone(name) == name for name in time_zones())
    assert all(zoneinfo.ZoneInfo(name).key == name for name in time_zones())


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Madrid, Spain · UTC+1 now", "Europe/Madrid"),
        ("Madrid, Spain · UTC+2 now", "Europe/Madrid"),  # the page of another season
        ("madrid, spain", "Europe/Madrid"),
        (" MADRID ", "Europe/Madrid"),
        ("São Paulo", "America/Sao_Paulo"),
        ("Kiev", "Europe/Kyiv"),
        ("Calcutta", "Asia/Kolkata"),
        ("Stockholm", "Europe/Stockholm"),
        ("Knox, Indiana, United States", "America/Indiana/Knox"),
        ("europe/kiev", "Europe/Kiev"),
        ("cet", "CET"),
        ("Spain", None),  # has three
        ("Eastern", None),  # US or Canada
        ("Moon", None),
        ("\0", None),
        ("", None),
    ],
)
def test_a_zone_is_found_by_what_people_call_it(typed, zone):
    assert find_zone(typed) == zone


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Asia/Tokyo", "Tokyo, Japan · UTC+9 now"),
        ("Asia/Calcutta", "Kolkata, India · UTC+5:30 now"),
        ("America/Bogota", "Bogota, Colombia · UTC\u22125 now"),
        ("Atlantic/Reykjavik", "Reykjavik, Iceland · UTC+0 now"),
        ("Etc/GMT+3", "Etc/GMT+3 · UTC\u22123 now"),
        ("UTC", "UTC"),
        ("Europe/Atlantis", "Europe/Atlantis"),
    ],
)
def test_a_zone_is_shown_by_its_place_and_the_offset(zone, words):
    assert in_words(zone) == words


class TestGuests:
    @pytest.fixture
    def guest(self):
        return Browser()

    def test_what_the_device_said_is_the_zone_of_the_page(self, guest):
        guest.cookies[ZONE_COOKIE_NAME] = "Asia/Calcutta"
        page = guest.get("/")
        assert "Times are shown in Asia/Calcutta." in page.text
        assert page["Cache-Control"] == "private"
        assert "Cookie" in page["Vary"]

    @pytest.mark.parametrize("said", ["Europe/Atlantis", "../../etc/passwd", "localtime", "x" * 99])
    def test_what_is_no_zone_is_none(self, guest, said):
        guest.cookies[ZONE_COOKIE_NAME] = said
        assert "Times are shown in UTC." in guest.get("/").text

    def test_a_page_without_a_cookie_is_kept_for_readers_without_one(self, guest):
        page = guest.get("/")
        assert not page.has_header("Cache-Control")
        assert "Cookie" in page["Vary"]

    def test_who_has_a_profile_keeps_its_zone(self, guest):
        ada = User.objects.create_user("a@example.com", display_name="A", time_zone="Asia/Tokyo")
        guest.cookies[ZONE_COOKIE_NAME] = "Europe/Madrid"
        guest.force_login(ada)
        assert "Times are shown in Asia/Tokyo." in guest.get("/").text
        assert guest.get("/time-zone/")["Location"] == "/profile/"

    def test_a_zone_can_be_chosen(self, guest):
        sent = {"time_zone": "Kiev", "next": "/login/"}
        assert guest.post("/time-zone/", sent)["Location"] == "/login/"
        page = guest.get("/login/").text
        assert "Times are shown in Europe/Kyiv." in page
        assert "/time-zone/?next=%2Flogin%2F" in page
        assert guest.post("/time-zone/", sent | {"next": "//evil.example"})["Location"] == "/"

    def test_a_slip_is_told_at_the_field(self, guest):
        page = guest.post("/time-zone/", {"time_zone": "Moon"}).text
        assert "Choose a place from the list" in page
        assert 'value="Moon"' in page


@pytest.mark.parametrize("zone", ["localtime", "Factory", "posixrules", "Asia/calcutta"])
def test_what_is_a_zone_of_this_machine_alone_is_none(client, zone):
    assert list(client.register(time_zone=zone).json()["details"]) == ["time_zone"]
