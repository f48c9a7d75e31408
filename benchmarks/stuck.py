"""New visitors while all processes but one are stuck: none of them waits."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from django.db import connection

from benchmarks import load
from benchmarks.figures import Figures
from benchmarks.platform import ROWS
from benchmarks.raw import connect
from benchmarks.sites import Site
from demo.rows import COURSE, key_of

PROCESSES = 4
STUCK = PROCESSES - 1
VISITORS, AT_ONCE = 60, 4
PATHS = ("/healthz", "/", f"/courses/{key_of(COURSE, 0)}/", f"/api/courses?limit={ROWS}")
WAITING = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"


def measure(site: Site) -> dict[str, Figures]:
    """What the visitors of each path wait, in milliseconds, and whether the stuck still were."""
    with site.beside(WEB_PROCESSES=PROCESSES) as port:
        for path in PATHS:
            _visit(port, path)  # a process takes longer for its first pages
        alone = {path: _visit(port, path) for path in PATHS}
        return {path: {"alone": max(alone[path])} | _beside(site, port, path) for path in PATHS}


def _beside(site: Site, port: int, path: str) -> Figures:
    with _stuck(site, port):
        waited = _visit(port, path)
        still = _waiting()
    late = sum(one > 1_000 for one in waited)
    return {"slowest": max(waited), "over_a_second": late, "still_stuck": still}


def _visit(port: int, path: str) -> list[float]:
    """So many visitors, each over a connection of their own: the milliseconds of each."""
    sent = [load.request("GET", path, {})]

    def visit(_: int) -> float:
        outcome = load.run(port, sent, connections=1, seconds=60)
        # Who is refused has not been served at all.
        return outcome.percentile(0) if not outcome.errors else float("inf")

    with ThreadPoolExecutor(AT_ONCE) as visitors:
        return list(visitors.map(visit, range(VISITORS)))


@contextmanager
def _stuck(site: Site, port: int) -> Iterator[None]:
    """So many buyers, a process each, wait for a course that is locked."""
    course = site.platform.new_course(0, seats=VISITORS)
    line = connect()
    line.cursor().execute("SELECT id FROM courses WHERE id = %s FOR UPDATE", [course.hex])
    with ThreadPoolExecutor(1) as pool:
        buy = partial(load.run, port, connections=STUCK, seconds=60)
        buyers = pool.submit(buy, site.platform.rush(course, STUCK))
        try:
            while _waiting() < STUCK:
                time.sleep(0.2)  # asked more often than this the table stays as it was
            yield
        finally:
            line.rollback()
            line.close()
            buyers.result()


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])
