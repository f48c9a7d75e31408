"""The catalogue with a search and without, in turn."""

import statistics
from typing import Any
from urllib.parse import urlencode

from benchmarks import load
from benchmarks.platform import ROWS

CONNECTIONS = 8
REPEATS = 3
REQUESTS = 200
LISTS = {"api": f"/api/courses?limit={ROWS}&", "page": "/?"}
# Words that few courses have, that all have, that half have, but no course both, and that none has.
SEARCHES = {
    "rare": "course 77",
    "common": "english beginner",
    "apart": "odd even",
    "slip": "englsh beginer",
}


def measure(port: int) -> dict[str, Any]:
    """The rate without a search, and what part of it each search reaches in the same minute."""
    return {name: _compare(port, path) for name, path in LISTS.items()}


def _compare(port: int, path: str) -> dict[str, float]:
    searches = {"none": ""} | SEARCHES
    rates: dict[str, list[float]] = {name: [] for name in searches}
    for _ in range(REPEATS):
        for name, words in searches.items():
            query = urlencode({"search": words}) if words else ""
            sent = [load.request("GET", path + query, {})] * REQUESTS
            outcome = load.run(port, sent, connections=CONNECTIONS, seconds=60)
            assert not outcome.errors, outcome.told()
            rates[name].append(outcome.rate)
    without = rates.pop("none")
    told = {"rate": statistics.median(without)}
    return told | {name: _ratio(found, without) for name, found in rates.items()}


def _ratio(found: list[float], without: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(found, without, strict=True))
