"""Time zones by the names that browsers say, on systems that no longer know the old ones."""

import zoneinfo
from importlib.resources import files

import pytest
from django.test import Client as Browser

from accounts.forms import zone_choices
from accounts.models import User, time_zones
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
    time_zones.cache_clear()


def offered() -> set[str]:
    _, *regions = zone_choices()
    return {"UTC"} | {name for _, zones in regions for name, _ in zones}


@pytest.mark.parametrize("zone", OLD_NAMES)
def test_whoever_comes_from_an_old_name_sees_their_own_time(bare_system, client, zone):
    assert client.register(email="api@example.com", time_zone=zone).status_code == 201
    browser = Browser()
    assert f'<option value="{zone}">' in browser.get("/register/").content.decode()
    person = {"email": "page@example.com", "display_name": "A", "password": PASSWORD}
    assert browser.post("/register/", person | {"time_zone": zone}).status_code == 302
    assert set(User.objects.values_list("time_zone", flat=True)) == {zone}
    assert f"Times are shown in {zone}." in browser.get("/profile/").content.decode()


def test_what_is_offered_is_taken_and_known(bare_system):
    assert offered() | {"EST", "Japan"} <= time_zones()
    assert {name for name in time_zones() if "/" in name} <= offered()
    assert all(zoneinfo.ZoneInfo(name).key == name for name in time_zones())


@pytest.mark.parametrize("zone", ["localtime", "Factory", "posixrules", "Asia/calcutta"])
def test_what_is_a_zone_of_this_machine_alone_is_none(client, zone):
    assert list(client.register(time_zone=zone).json()["details"]) == ["time_zone"]
