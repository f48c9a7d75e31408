"""Purchases beside what is slow: how many there are meanwhile, and how long each takes."""

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, cycle, islice
from typing import Any

from django.conf import settings

from accounts.models import User
from benchmarks import load
from benchmarks.load import Outcome, Request, request
from benchmarks.platform import Platform, cookies_of
from demo.load import COURSE, TEACHER, key_of

CROWD, ONE = 8, 1
OTHERS = 4
SECONDS = 3
ROUNDS = 3
WARM_UP = 200
ENOUGH = 800 * SECONDS
PAGES = (
    "/", "/?search=english+beginner", "/?search=englsh+beginer", "/learning/", "/credit/",
    "/earnings/", "/notices/", "/calendar/", "/profile/", "/sitemap-1.xml",
)  # fmt: skip
STAFF = ("/admin/payments/paymenthold/", "/admin/payments/transfer/", "/admin/accounts/user/")
EXPORT = "/earnings/sessions.csv"

# Does something else for so many seconds, and tells of it.
Other = Callable[[float], dict[str, float]]


def measure(platform: Platform, port: int) -> dict[str, Any]:
    """Enrolments alone, and beside each kind of what is slow, in turn; medians of the rounds."""
    load.run(port, islice(platform.enrol(), WARM_UP), connections=CROWD, seconds=60)
    pages = _pages(platform, port)
    slowest = max(pages, key=lambda path: pages[path])
    reader, teacher = platform.readers[0], key_of(TEACHER, 0)
    others: dict[str, Other] = {
        "sign-ins": _requests(port, chain.from_iterable(platform.token() for _ in range(1_000))),
        "staff": _requests(port, _pages_of(_clerk(), STAFF)),
        "export": _requests(port, _pages_of(teacher, [EXPORT])),
        "slowest page": _requests(port, _pages_of(reader, [slowest])),
        "audit": _audit,
    }
    sales = platform.enrol()
    told = {name: _beside(port, sales, other) for name, other in others.items()}
    return {"pages": pages, "slowest": slowest} | told


def _beside(port: int, sales: Iterator[Request], other: Other) -> dict[str, float]:
    rounds = [_round(port, sales, other) for _ in range(ROUNDS)]
    return {name: statistics.median(told[name] for told in rounds) for name in rounds[0]}


def _round(port: int, sales: Iterator[Request], other: Other) -> dict[str, float]:
    made = [list(islice(sales, ENOUGH)) for _ in range(4)]
    crowd, one = _enrol(port, made[0], CROWD), _enrol(port, made[1], ONE)
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(other, 2 * SECONDS)
        crowd_beside, one_beside = _enrol(port, made[2], CROWD), _enrol(port, made[3], ONE)
        told = others.result()
    return {
        "rate": crowd.rate,
        "of_alone": crowd_beside.rate / crowd.rate,
        "p99": crowd.percentile(0.99),
        "p99_beside": crowd_beside.percentile(0.99),
        "one_p50": one.percentile(0.50),
        "one_p50_beside": one_beside.percentile(0.50),
        "one_p99": one.percentile(0.99),
        "one_p99_beside": one_beside.percentile(0.99),
        "errors": sum(done.errors for done in (crowd, one, crowd_beside, one_beside)),
    } | {f"other_{name}": value for name, value in told.items()}


def _enrol(port: int, sales: list[Request], connections: int) -> Outcome:
    return load.run(port, sales, connections=connections, seconds=SECONDS)


def _requests(port: int, requests: Iterator[Request]) -> Other:
    def send(seconds: float) -> dict[str, float]:
        outcome = load.run(port, requests, connections=OTHERS, seconds=seconds)
        return {
            "rate": outcome.rate,
            "p50": outcome.percentile(0.50),
            "p99": outcome.percentile(0.99),
            "errors": outcome.errors,
        }

    return send


def _audit(seconds: float) -> dict[str, float]:
    """As the job runs it: in a process of its own, which has the books in one snapshot."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "check_ledger"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as audit:
        with suppress(subprocess.TimeoutExpired):
            audit.wait(seconds)
        unfinished = audit.poll() is None
        audit.terminate()
    return {"unfinished": float(unfinished)}


def _pages(platform: Platform, port: int) -> dict[str, float]:
    """Pages, and the milliseconds that each takes alone."""
    reader = platform.readers[0]
    paths = [*PAGES, f"/courses/{key_of(COURSE, 0)}/"]
    return {path: _alone(port, path, cookies_of(reader)) for path in paths}


def _alone(port: int, path: str, cookies: dict[str, str]) -> float:
    outcome = load.run(port, [request("GET", path, cookies)] * 40, connections=1, seconds=60)
    return outcome.percentile(0.50) if not outcome.errors else 0


def _pages_of(key: Any, paths: Any) -> Iterator[Request]:
    cookies = cookies_of(key)
    return cycle([request("GET", path, cookies) for path in paths])


def _clerk() -> Any:
    clerk = User.objects.filter(email="clerk@load.example.com").first()
    return (
        clerk or User.objects.create_superuser("clerk@load.example.com", display_name="Clerk")
    ).pk
