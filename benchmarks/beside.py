"""Purchases beside what is slow: how many there are meanwhile, and how long each takes."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import chain, cycle, islice
from typing import Any

from benchmarks import load
from benchmarks.figures import Figures, combined
from benchmarks.load import Request, request
from benchmarks.platform import cookies_of
from benchmarks.sites import Site
from demo.rows import COURSE, TEACHER, key_of

# As production runs by itself, so that something slow leaves a process.
PROCESSES = 4
CROWD, ONE = 8, 1
OTHERS = 4
WARM_UP = 200
MOST_A_SECOND = {CROWD: 800, ONE: 400}
PAGES = (
    "/", "/?search=english+beginner", "/?search=englsh+beginer", "/learning/", "/credit/",
    "/earnings/", "/notices/", "/calendar/", "/profile/", "/sitemap-1.xml",
)  # fmt: skip
STAFF = ("/admin/payments/paymenthold/", "/admin/payments/transfer/", "/admin/accounts/user/")
EXPORT = "/earnings/sessions.csv"
ALONE = "nothing"

# Does something else for so many seconds, and tells of it.
Other = Callable[[float], Figures]


def measure(sites: Sequence[Site], *, seconds: float, repeats: int) -> dict[str, Any]:
    """Enrolments alone, and beside each kind of what is slow, on all sites in turn."""
    with ExitStack() as servers:
        ports = [servers.enter_context(site.beside(WEB_PROCESSES=PROCESSES)) for site in sites]
        places = list(zip(sites, ports, strict=True))
        pages = [_pages(*place) for place in places]
        # The same on all.
        slowest = max(pages[0], key=lambda path: pages[0][path]["p50"])
        scenes = [_Scene(*place, slowest) for place in places]
        rounds = [[scene.round(seconds) for scene in scenes] for _ in range(repeats)]
    return {
        site.name: {f"alone {path}": told for path, told in pages[number].items()}
        | {name: combined([told[number][name] for told in rounds]) for name in rounds[0][number]}
        for number, site in enumerate(sites)
    }


class _Scene:
    """The buyers of one site, and what they are beside."""

    def __init__(self, site: Site, port: int, slowest: str) -> None:
        self._site, self._port = site, port
        site.enter()
        self._sales = site.platform.enrol()
        clerk, reader = site.platform.clerk(), site.platform.readers[0]
        sign_ins = chain.from_iterable(site.platform.token() for _ in range(1_000))
        self._others: dict[str, Other] = {
            "sign-ins": self._requests(sign_ins),
            "staff": self._requests(_pages_of(clerk, STAFF)),
            "export": self._requests(_pages_of(key_of(TEACHER, 0), [EXPORT])),
            f"page {slowest}": self._requests(_pages_of(reader, [slowest])),
            "audit": self._audit,
        }
        load.run(port, islice(self._sales, WARM_UP), connections=CROWD, seconds=60)

    def round(self, seconds: float) -> dict[str, Figures]:
        """Alone first, then beside each of the others."""
        self._site.enter()
        alone = self._buy(self._made(seconds), seconds)
        told = {ALONE: alone}
        for name, other in self._others.items():
            made = self._made(seconds)
            with ThreadPoolExecutor(1) as pool:
                meanwhile = pool.submit(other, 2 * seconds)
                bought = self._buy(made, seconds)
                told[name] = bought | _prefixed("other_", meanwhile.result())
            told[name]["rate_of_alone"] = bought["rate"] / alone["rate"]
            told[name]["one_waits"] = bought["one_p50"] - alone["one_p50"]
        return told

    def _buy(self, made: dict[int, list[Request]], seconds: float) -> Figures:
        """By eight at a time, then by one."""
        crowd, one = (
            load.run(self._port, sales, connections=buyers, seconds=seconds).figures()
            for buyers, sales in made.items()
        )
        return crowd | _prefixed("one_", one)

    def _made(self, seconds: float) -> dict[int, list[Request]]:
        """Enough for each, made beforehand, or making them would be measured too."""
        return {
            buyers: list(islice(self._sales, int(most * seconds)))
            for buyers, most in MOST_A_SECOND.items()
        }

    def _requests(self, requests: Iterator[Request]) -> Other:
        def send(seconds: float) -> Figures:
            outcome = load.run(self._port, requests, connections=OTHERS, seconds=seconds)
            return outcome.figures()

        return send

    def _audit(self, seconds: float) -> Figures:
        """As the job runs it: in a process of its own, which has the books in one snapshot."""
        command = [sys.executable, "manage.py", "check_ledger"]
        began, done = time.perf_counter(), 0
        while (left := began + seconds - time.perf_counter()) > 0:
            with subprocess.Popen(command, cwd=self._site.tree, stdout=subprocess.DEVNULL) as audit:
                with suppress(subprocess.TimeoutExpired):
                    done += audit.wait(left) == 0
                audit.terminate()
        return {"rate": done / seconds}


def _pages(site: Site, port: int) -> dict[str, Figures]:
    """What each page takes alone, and whether it is shown at all."""
    site.enter()
    cookies = cookies_of(site.platform.readers[0])
    sent = {
        path: [request("GET", path, cookies)] * 40
        for path in (*PAGES, f"/courses/{key_of(COURSE, 0)}/")
    }
    return {
        path: load.run(port, asked, connections=1, seconds=60).figures()
        for path, asked in sent.items()
    }


def _prefixed(prefix: str, figures: Figures) -> Figures:
    return {f"{prefix}{name}": value for name, value in figures.items()}


def _pages_of(key: Any, paths: Sequence[str]) -> Iterator[Request]:
    cookies = cookies_of(key)
    return cycle([request("GET", path, cookies) for path in paths])
