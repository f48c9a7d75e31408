"""Time zones: their names, and the places that people know them by."""

import unicodedata
import zoneinfo
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files

# Names for whatever the machine is set to, or for nothing at all.
NO_PLACES = {"localtime", "Factory"}
# Keeps a guest's zone; written by app.js too.
ZONE_COOKIE_NAME = "time_zone"
_MINUS = "\u2212"
_OFFSET = " · "


@cache
def time_zones() -> frozenset[str]:
    """Every name of a time zone, including old ones: browsers still say Asia/Calcutta.

    Names without a file on this system are in the package tzdata.
    """
    return frozenset(zoneinfo.available_timezones() - NO_PLACES)


def find_zone(text: str) -> str | None:
    """The zone that somebody means: its name, its words with or without the offset, or a city."""
    return _known_as().get(_folded(text.partition(_OFFSET)[0]))


def in_words(name: str) -> str:
    """`Madrid, Spain · UTC+1 now` of a zone's name; what is no zone stays as it is."""
    return _with_offset(name, datetime.now(UTC)) if name in time_zones() else name


def all_in_words() -> Sequence[str]:
    """The zone of every place in these words, and UTC, sorted."""
    now = datetime.now(UTC)
    # Clocks change at a quarter of an hour, if then.
    return _listed(now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0))


@lru_cache(maxsize=1)
def _listed(now: datetime) -> Sequence[str]:
    known = [zone for zone in _places() if zone in time_zones()]
    return sorted(_with_offset(zone, now) for zone in ["UTC", *known])


def _with_offset(name: str, now: datetime) -> str:
    if name == "UTC":
        return name
    # Names without a region, as CET, are no town's.
    place = _places().get(_newest(name) if "/" in name else "", name)
    return f"{place}{_OFFSET}{_offset(now.astimezone(zoneinfo.ZoneInfo(name)))} now"


def _offset(local: datetime) -> str:
    minutes = int((local.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{_MINUS if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"


@cache
def _places() -> dict[str, str]:
    """`Europe/Madrid`: `Madrid, Spain`. zone1970.tab would leave out Stockholm and Oslo."""
    countries = dict(_rows("iso3166.tab"))
    return {zone: _place(zone, countries[code]) for code, _, zone, *_ in _rows("zone.tab")}


def _place(zone: str, country: str) -> str:
    """The city first; what lies between it and the continent tells Indiana's Knox from others."""
    parts = [part.replace("_", " ") for part in reversed(zone.split("/")[1:])]
    return ", ".join(dict.fromkeys([*parts, country]))


@cache
def _aliases() -> dict[str, str]:
    """`Asia/Calcutta`: `Asia/Kolkata`."""
    links = (line.split() for line in _lines("tzdata.zi") if line.startswith("L "))
    return {alias: zone for _, zone, alias in links}


def _newest(name: str) -> str:
    """Stockholm is an alias of Berlin, but a place of its own."""
    return name if name in _places() else _aliases().get(name, name)


@cache
def _known_as() -> dict[str, str]:
    """What people may call a zone; a name first, then a place, then a city if there is one such."""
    towns = [(_city(name), zone) for name in time_zones() if (zone := _newest(name)) in _places()]
    counted = Counter(town for town, _ in set(towns))
    return {
        **{_folded(town): zone for town, zone in towns if counted[town] == 1},
        **{_folded(place): zone for zone, place in _places().items()},
        **{_folded(name): name for name in time_zones()},
    }


def _city(name: str) -> str:
    return name.rpartition("/")[2].replace("_", " ")


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _rows(file: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in _lines(file) if not line.startswith("#"))


def _lines(file: str) -> list[str]:
    return (files("tzdata") / "zoneinfo" / file).read_text(encoding="utf-8").splitlines()
