"""The catalogue by each of its ways: orders, filters, searches, and the last page."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from benchmarks.figures import Figures, combined
from benchmarks.load import request, run
from benchmarks.platform import ROWS
from benchmarks.sites import Site

CONNECTIONS = 8
# Of the time that a call is measured for: there are three dozen of them.
SHARE = 0.2
PLAIN = ""
ALIKE = ("category=Languages", "language=English", "level=beginner")
# Words that few courses have, that all have, that half have, but no course both, and slips.
SEARCHES = tuple(
    f"search={words}" for words in ("course+77", "english+beginner", "odd+even", "englsh+beginer")
)
PAGE = (
    PLAIN,
    "page=999",
    "order=newest",
    "order=cheapest",
    "order=title",
    *ALIKE,
    "price=25",
    "days=weekdays",
    "times=mornings",
    "days=weekends&times=evenings",
    "seats=on",
    "&".join((*ALIKE, "price=25", "seats=on")),
    *SEARCHES,
    "search=english+beginner&order=title",
)
API = (PLAIN, "ordering=title", "ordering=-price", *ALIKE, *SEARCHES)
LISTS = {
    "page": ("/?", PAGE, 'class="course-card"'),
    "api": (f"/api/courses?limit={ROWS}&", API, '"seats_left"'),
}
# What no course may meet: which days and times fit depends on today's.
MAY_BE_EMPTY = ("odd+even", "days=", "times=")


def measure(sites: Sequence[Site], *, seconds: float, repeats: int) -> dict[str, Any]:
    """Each way's rate, and what part it is of the first site's plain list in the same minute."""
    rounds = [_round(sites, SHARE * seconds) for _ in range(repeats)]
    return {
        site.name: {
            way: combined([told[site.name][way] for told in rounds]) for way in rounds[0][site.name]
        }
        for site in sites
    }


def _round(sites: Sequence[Site], seconds: float) -> dict[str, dict[str, Figures]]:
    """Every way of every site, in turn."""
    told: dict[str, dict[str, Figures]] = {site.name: {} for site in sites}
    for name, (path, ways, holds) in LISTS.items():
        for way in ways:
            expected = "" if any(part in way for part in MAY_BE_EMPTY) else holds
            asked = request("GET", path + way, {}, holds=expected)
            for site in sites:
                outcome = run(
                    site.port, repeat(asked), connections=CONNECTIONS, seconds=seconds, same=True
                )
                told[site.name][f"{name} {way}"] = outcome.figures()
    plain = told[sites[0].name]
    for ways_of_site in told.values():
        for way, figures in ways_of_site.items():
            figures["of_plain"] = figures["rate"] / plain[f"{way.split()[0]} {PLAIN}"]["rate"]
    return told
