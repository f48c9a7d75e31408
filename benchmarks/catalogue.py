"""The catalogue by each of its ways: orders, filters, searches, and the last page."""

from collections.abc import Sequence
from itertools import cycle

from benchmarks.figures import Figures, combined
from benchmarks.load import Request, request, run
from benchmarks.platform import ROWS, cookies_of
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
CARDS, LISTED = 'class="course-card"', '"seats_left"'
# What no course may meet: which days and times fit depends on today's.
MAY_BE_EMPTY = ("odd+even", "days=", "times=")
COURSE_PAGE = "course page"

Told = dict[str, dict[str, Figures]]


def measure(sites: Sequence[Site], *, seconds: float, repeats: int) -> Told:
    """Each way's rate, and what part it is of others in the same minute.

    Of the first site's plain list, and if it is a page, of its site's page of a course; who opens
    pages is signed in.
    """
    asked = {site.name: _requests(site) for site in sites}
    rounds = [_round(sites, asked, SHARE * seconds) for _ in range(repeats)]
    return {
        site: {way: combined([told[site][way] for told in rounds]) for way in ways}
        for site, ways in asked.items()
    }


def _requests(site: Site) -> dict[str, list[Request]]:
    """What is sent for each way."""
    site.enter()
    readers = [cookies_of(reader) for reader in site.platform.readers[:CONNECTIONS]]
    asked = {COURSE_PAGE: list(map(site.platform.page_of_course, range(CONNECTIONS), readers))}
    for way in PAGE:
        holds = _held(way, CARDS)
        asked[f"page {way}"] = [request("GET", f"/?{way}", one, holds=holds) for one in readers]
    for way in API:
        path = f"/api/courses?limit={ROWS}&{way}"
        asked[f"api {way}"] = [request("GET", path, {}, holds=_held(way, LISTED))]
    return asked


def _held(way: str, row: str) -> str:
    return "" if any(part in way for part in MAY_BE_EMPTY) else row


def _round(
    sites: Sequence[Site], asked: dict[str, dict[str, list[Request]]], seconds: float
) -> Told:
    """Every way of every site, in turn."""
    told: Told = {site.name: {} for site in sites}
    for way in asked[sites[0].name]:
        for site in sites:
            requests = cycle(asked[site.name][way])
            outcome = run(site.port, requests, connections=CONNECTIONS, seconds=seconds, same=True)
            told[site.name][way] = outcome.figures()
    plain = told[sites[0].name]
    for ways in told.values():
        for way, figures in ways.items():
            if way != COURSE_PAGE:
                figures["of_plain"] = figures["rate"] / plain[f"{way.split()[0]} {PLAIN}"]["rate"]
            if way.startswith("page "):
                figures["of_course_page"] = figures["rate"] / ways[COURSE_PAGE]["rate"]
    return told
