"""Sign-ins beside money: how many enrol while others sign in, and how long each waits."""

import statistics
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import Any

from benchmarks import load
from benchmarks.load import Outcome
from benchmarks.platform import Platform

CONNECTIONS = 8
SIGN_INS = 4
SECONDS = 4
ROUNDS = 3
WARM_UP = 200
ENOUGH = 1_500 * SECONDS


def measure(platform: Platform, port: int) -> dict[str, Any]:
    """Enrolments alone, and beside four sign-ins at a time, in turn; medians of the rounds."""
    sales = platform.enrol()
    passes = _for_ever(platform)
    load.run(port, islice(sales, WARM_UP), connections=CONNECTIONS, seconds=60)
    rounds = [_round(port, list(islice(sales, 2 * ENOUGH)), passes) for _ in range(ROUNDS)]
    return {name: statistics.median(told[name] for told in rounds) for name in rounds[0]}


def _round(port: int, sales: list[bytes], passes: Iterable[bytes]) -> dict[str, float]:
    alone = _enrol(port, sales[:ENOUGH])
    with ThreadPoolExecutor(1) as pool:
        signing_in = pool.submit(
            load.run, port, islice(passes, ENOUGH), connections=SIGN_INS, seconds=SECONDS
        )
        beside = _enrol(port, sales[ENOUGH:])
        others = signing_in.result()
    return {
        "rate": alone.rate,
        "rate_beside": beside.rate,
        "of_alone": beside.rate / alone.rate,
        "p50": alone.percentile(0.50),
        "p50_beside": beside.percentile(0.50),
        "p99": alone.percentile(0.99),
        "p99_beside": beside.percentile(0.99),
        "sign_ins": others.rate,
        "sign_in_p50": others.percentile(0.50),
        "errors": alone.errors + beside.errors + others.errors,
    }


def _enrol(port: int, sales: list[bytes]) -> Outcome:
    return load.run(port, sales, connections=CONNECTIONS, seconds=SECONDS)


def _for_ever(platform: Platform) -> Iterable[bytes]:
    """Sign-ins of one user after the other, round and round."""
    return chain.from_iterable(platform.token() for _ in range(1_000))
