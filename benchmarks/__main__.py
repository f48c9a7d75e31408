"""Measure every important call on a real server with a durable MariaDB: `script/benchmark`."""

import argparse
import io
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "talkplatform.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks import beside, counters, hot, load, raw, searching, settling, staff  # noqa: E402
from benchmarks.platform import Platform  # noqa: E402
from benchmarks.sites import SIZES, Site, serving  # noqa: E402

CALLS = (
    "enrol",
    "buy a session",
    "cancel",
    "my enrollments",
    "access",
    "catalogue",
    "course page",
    "front page",
    "my learning",
    "token",
)
READS = {"my enrollments", "access", "catalogue", "course page", "front page", "my learning"}
WARM_UP = 100
# Pairs of student and course are used once, and there are half a million on the small database.
MOST_A_SECOND = {"read": 2_000, "write": 1_000, "raw": 4_000}
COLUMNS = (
    "rate",
    "p50",
    "p95",
    "p99",
    "statements",
    "server_ms",
    "database_ms",
    "driver_ms",
    "errors",
)
# The raw bound, in transactions a second, and the share of it that the call comes to.
OF_WRITES = ("raw", "of_raw")
GROWING = ("rate", "p95", "server_ms", "database_ms")
SCENARIOS = ("staff", "audit", "search", "settlement", "hot course", "beside")


def main() -> None:
    """Fill the databases, serve them, measure, report."""
    options = _options()
    # As Ctrl-C does: the server ends with the process that started it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    call_command("collectstatic", interactive=False, verbosity=0)
    told: dict[str, dict[str, Any]] = {size: {"runs": []} for size in options.size}
    with ExitStack() as stack:
        sites = [
            stack.enter_context(serving(size, processes=options.processes, threads=options.threads))
            for size in told
        ]
        # Before the calls, which leave a great many bookings of every course behind.
        for site in sites:
            told[site.name]["scenarios"] = {
                name: _scenario(name, site) for name in options.scenarios
            }
        for _ in range(options.repeats):
            for size, results in _run(options, sites).items():
                told[size]["runs"].append(results)
    _report(options, told)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/benchmark", description=__doc__)
    parser.add_argument("--connections", type=_count, default=8, help="an even number")
    parser.add_argument("--processes", type=_count, default=2)
    parser.add_argument("--threads", type=_count, default=1, help="of each process")
    parser.add_argument("--seconds", type=_count, default=5, help="for each call")
    parser.add_argument("--repeats", type=_count, default=5)
    parser.add_argument(
        "--size", nargs="+", choices=SIZES, default=["small"], help="one, or two in turn"
    )
    parser.add_argument("--calls", nargs="+", choices=CALLS, default=CALLS)
    parser.add_argument("--scenarios", nargs="*", choices=SCENARIOS, default=SCENARIOS)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results.json"))
    options = parser.parse_args()
    if options.connections % raw.PROCESSES:
        parser.error("the raw bound is taken by two processes: give an even --connections")
    return options


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError("a whole number from 1 on")
    return int(text)


def _run(options: argparse.Namespace, sites: list[Site]) -> dict[str, dict[str, Any]]:
    """Every call of every site, in turn: a machine's speed changes within minutes."""
    results: dict[str, dict[str, Any]] = {site.name: {} for site in sites}
    for call in options.calls:
        for site in sites:
            results[site.name][call] = _call(options, site, call)
            print(f"{site.name:6} {call:16} {results[site.name][call]}", file=sys.stderr)
    return results


def _call(options: argparse.Namespace, site: Site, call: str) -> dict[str, Any]:
    site.enter()
    requests = _requests(options, site.platform, call)
    load.run(site.port, requests[:WARM_UP], connections=options.connections, seconds=60)
    measured = _measure(options, requests[WARM_UP:], site, same=call in READS)
    if call in raw.WRITES:
        measured["raw"] = _raw(options, site.platform, call)
    return measured


def _scenario(name: str, site: Site) -> dict[str, Any]:
    site.enter()
    if name == "hot course":
        told = hot.measure(site)
    elif name == "search":
        told = searching.measure(site.port)
    elif name == "beside":
        told = beside.measure(site.platform, site.port)
    elif name == "settlement":
        told = settling.measure(site.platform)
    elif name == "staff":
        told = staff.measure(site.platform)
    else:
        began = time.perf_counter()
        call_command("check_ledger", stdout=io.StringIO())
        told = {"seconds": time.perf_counter() - began}
    print(f"{site.name:6} {name:16} {told}", file=sys.stderr)
    return told


def _requests(options: argparse.Namespace, platform: Platform, call: str) -> Sequence[load.Request]:
    """All that are sent, made beforehand, or making them would be measured too."""
    kind = "read" if call in READS else "write"
    enough = WARM_UP + MOST_A_SECOND[kind] * options.seconds
    made = list(islice(getattr(platform, call.replace(" ", "_"))(), enough))
    if call in READS:
        return made * (enough // len(made))
    if len(made) <= WARM_UP:
        sys.exit(f"Nobody is left to {call}: use fewer seconds or repeats, or --size large.")
    return made


def _measure(
    options: argparse.Namespace, requests: Any, site: Site, *, same: bool
) -> dict[str, Any]:
    database = int(os.environ["MARIADB_PID"])
    with connection.cursor() as cursor:
        before = counters.read(cursor, server=site.server, database=database)
        outcome = load.run(
            site.port,
            requests,
            connections=options.connections,
            seconds=options.seconds,
            same=same,
        )
        spent = counters.read(cursor, server=site.server, database=database) - before
    count = outcome.requests
    return {
        "rate": outcome.rate,
        "p50": outcome.percentile(0.50),
        "p95": outcome.percentile(0.95),
        "p99": outcome.percentile(0.99),
        "statements": spent.statements / count,
        "server_ms": 1000 * spent.server / count,
        "database_ms": 1000 * spent.database / count,
        "driver_ms": 1000 * spent.driver / count,
        "errors": outcome.errors,
        "wrong": outcome.wrong,
        "statuses": outcome.told(),
    }


def _raw(options: argparse.Namespace, platform: Platform, call: str) -> float:
    most = MOST_A_SECOND["raw"] * options.seconds
    if call == "cancel":
        # What is cancelled here was bought here, not by the server that is being measured.
        _bound(options, raw.enrol, raw.pairs_in(platform.pairs, most))
        pairs = platform.enrolled()
    else:
        pairs = raw.pairs_in(platform.pairs, most)
    return _bound(options, raw.WRITES[call], pairs)


def _bound(options: argparse.Namespace, act: raw.Act, pairs: list[raw.Pair]) -> float:
    return raw.measure(act, pairs, connections=options.connections, seconds=options.seconds)


def _report(options: argparse.Namespace, told: dict[str, dict[str, Any]]) -> None:
    for size, site in told.items():
        site["medians"] = {
            call: _medians([run[call] for run in site["runs"]]) for call in options.calls
        }
        print(f"{size:16}" + "".join(f"{name:>12}" for name in (*COLUMNS, "spread", *OF_WRITES)))
        for call, values in site["medians"].items():
            print(f"{call:16}" + "".join(f"{value:12.2f}" for value in values.values()))
        for name, outcome in site["scenarios"].items():
            print(f"{name}: {json.dumps(outcome, default=str)}")
    report = {"options": vars(options), "sizes": told}
    if len(told) > 1:
        report["growth"] = growth = _growth(options.calls, *told.values())
        for call, values in growth.items():
            print(f"{call:16} " + ", ".join(f"{name} x {of:.2f}" for name, of in values.items()))
    options.json.write_text(json.dumps(report, indent=2, default=str) + "\n")


def _growth(
    calls: Sequence[str], before: dict[str, Any], after: dict[str, Any]
) -> dict[str, dict[str, float]]:
    """How each figure changed, measured in turn: the median of the ratios."""
    return {
        call: {
            name: statistics.median(
                new[call][name] / old[call][name]
                for old, new in zip(before["runs"], after["runs"], strict=True)
            )
            for name in GROWING
        }
        for call in calls
    }


def _medians(results: list[dict[str, Any]]) -> dict[str, float]:
    writes = "raw" in results[0]
    medians = {name: _median(results, name) for name in COLUMNS}
    # How far from the median the rates were.
    medians["spread"] = max(abs(told["rate"] / medians["rate"] - 1) for told in results)
    if writes:
        medians["raw"] = _median(results, "raw")
        medians["of_raw"] = medians["rate"] / medians["raw"]
    return medians


def _median(results: list[dict[str, Any]], name: str) -> float:
    return statistics.median(told[name] for told in results)


if __name__ == "__main__":
    main()
