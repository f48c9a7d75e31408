"""Measure every important call on a real server with a durable MariaDB: `script/benchmark`."""

import argparse
import io
import json
import os
import signal
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

from benchmarks import (  # noqa: E402
    beside,
    catalogue,
    counters,
    hot,
    load,
    raw,
    report,
    settling,
    staff,
    stuck,
)
from benchmarks.figures import Figures  # noqa: E402
from benchmarks.platform import Platform  # noqa: E402
from benchmarks.sites import SIZES, THEN, Site, code_of, serving  # noqa: E402

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
# A size for the catalogue is measured by what shows it alone.
ONLY = {"courses": {"catalogue", "course page", "front page"}}
WARM_UP = 100
# Pairs of student and course are used once, and there are a million on the small database.
MOST_A_SECOND = {"read": 2_000, "write": 1_000, "raw": 4_000}
# Of one site after the other; those of the server's also as it was `--against`.
INSIDE = {"staff": staff.measure, "settlement": settling.measure}
OUTSIDE = {"hot course": hot.measure, "stuck": stuck.measure}
# Of several sites in turn.
IN_TURN = ("beside", "catalogue")
SCENARIOS = ("audit", *INSIDE, *OUTSIDE, *IN_TURN)


def main() -> None:
    """Fill the databases, serve them, measure, report."""
    options = _options()
    # As Ctrl-C does: the server ends with the process that started it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as stack:
        sites = _sites(options, stack)
        # Before the calls, which leave a great many bookings of every course behind.
        scenarios = {name: _scenario(options, name, sites) for name in options.scenarios}
        runs = [_run(options, sites) for _ in range(options.repeats)]
    _report(options, runs, scenarios)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/benchmark", description=__doc__)
    parser.add_argument("--connections", type=_count, default=8, help="an even number")
    parser.add_argument("--processes", type=_count, default=2)
    parser.add_argument("--threads", type=_count, default=1, help="of each process")
    parser.add_argument("--seconds", type=float, default=5, help="for each call")
    parser.add_argument("--repeats", type=_count, default=5)
    parser.add_argument(
        "--size", nargs="+", choices=SIZES, default=["small"], help="one, or more in turn"
    )
    parser.add_argument(
        "--against", metavar="COMMIT", help="in turn with what it was then, at the first size"
    )
    parser.add_argument("--calls", nargs="*", choices=CALLS, default=CALLS)
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


def _sites(options: argparse.Namespace, stack: ExitStack) -> list[Site]:
    """Ours by size, and what it was then."""
    wanted = {"WEB_PROCESSES": options.processes, "WEB_THREADS": options.threads}
    sites = [stack.enter_context(serving(size, SIZES[size], **wanted)) for size in options.size]
    if options.against:
        tree = stack.enter_context(code_of(options.against))
        size = SIZES[options.size[0]]
        sites.append(stack.enter_context(serving(THEN, size, tree, **wanted)))
    return sites


def _scenario(options: argparse.Namespace, name: str, sites: list[Site]) -> dict[str, Any]:
    """What it tells of each site."""
    ours = [site for site in sites if site.is_ours]
    if name == "beside":
        compared = [site for site in sites if site is sites[0] or not site.is_ours]
        told = beside.measure(compared, seconds=options.seconds, repeats=options.repeats)
    elif name == "catalogue":
        told = catalogue.measure(ours, seconds=options.seconds, repeats=options.repeats)
    else:
        act = {"audit": _audit, **INSIDE, **OUTSIDE}[name]
        told = {}
        for site in sites if name in OUTSIDE else ours:
            site.enter()
            told[site.name] = act(site)
    for of, outcome in told.items():
        print(f"{of:6} {name:16} {outcome}", file=sys.stderr)
    return told


def _audit(_: Site) -> dict[str, Any]:
    """As it is after the filling, and when the pool holds all of it that fits."""
    return {"seconds": _seconds_of_audit(), "seconds_again": _seconds_of_audit()}


def _seconds_of_audit() -> float:
    began = time.perf_counter()
    call_command("check_ledger", stdout=io.StringIO())
    return time.perf_counter() - began


def _run(options: argparse.Namespace, sites: list[Site]) -> dict[str, dict[str, Figures]]:
    """Every call of every site, in turn: a machine's speed changes within minutes."""
    told: dict[str, dict[str, Figures]] = {site.name: {} for site in sites}
    for call in options.calls:
        for site in (site for site in sites if call in ONLY.get(site.name, options.calls)):
            told[site.name][call] = _call(options, site, call)
            if site is sites[0] and call in raw.WRITES:
                bound = _raw(options, site.platform, call)
                told[site.name][call] |= {
                    "raw": bound,
                    "of_raw": told[site.name][call]["rate"] / bound,
                }
            print(f"{site.name:6} {call:16} {told[site.name][call]}", file=sys.stderr)
    return told


def _call(options: argparse.Namespace, site: Site, call: str) -> Figures:
    site.enter()
    requests = _requests(options, site.platform, call)
    load.run(site.port, requests[:WARM_UP], connections=options.connections, seconds=60)
    return _measure(options, requests[WARM_UP:], site, same=call in READS)


def _requests(options: argparse.Namespace, platform: Platform, call: str) -> Sequence[load.Request]:
    """All that are sent, made beforehand, or making them would be measured too."""
    kind = "read" if call in READS else "write"
    enough = WARM_UP + int(MOST_A_SECOND[kind] * options.seconds)
    made = list(islice(getattr(platform, call.replace(" ", "_"))(), enough))
    if call in READS:
        return made * (enough // len(made))
    if len(made) <= WARM_UP:
        sys.exit(f"Nobody is left to {call}: use fewer seconds or repeats, or --size large.")
    return made


def _measure(options: argparse.Namespace, requests: Any, site: Site, *, same: bool) -> Figures:
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
    if outcome.errors:
        print(f"answers: {outcome.told()}, and {outcome.wrong} wrong", file=sys.stderr)
    return outcome.figures() | spent.each(outcome.requests)


def _raw(options: argparse.Namespace, platform: Platform, call: str) -> float:
    """The raw bound, in transactions a second."""
    most = int(MOST_A_SECOND["raw"] * options.seconds)
    if call == "cancel":
        # What is cancelled here was bought here, not by the server that is being measured.
        _bound(options, raw.enrol, raw.pairs_in(platform.pairs, most))
        pairs = platform.enrolled()
    else:
        pairs = raw.pairs_in(platform.pairs, most)
    return _bound(options, raw.WRITES[call], pairs)


def _bound(options: argparse.Namespace, act: raw.Act, pairs: list[raw.Pair]) -> float:
    return raw.measure(act, pairs, connections=options.connections, seconds=options.seconds)


def _report(
    options: argparse.Namespace,
    runs: list[dict[str, dict[str, Figures]]],
    scenarios: dict[str, dict[str, Any]],
) -> None:
    """Print the tables, keep all figures; end with an error if an answer was wrong."""
    tables = report.of_scenarios(scenarios) | report.of_calls(runs)
    report.show(scenarios, tables)
    everything = {"options": vars(options), "scenarios": scenarios, "runs": runs, "tables": tables}
    options.json.write_text(json.dumps(everything, indent=2, default=str) + "\n")
    if wrong := report.errors_in(tables):
        sys.exit(f"{wrong} answers were not what was asked for.")


if __name__ == "__main__":
    main()
