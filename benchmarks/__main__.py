"""Measure every call that matters on a real server beside a durable MariaDB: `script/benchmark`."""

import argparse
import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "talkplatform.settings")
django.setup()

from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks import counters, hot, load, raw, settling  # noqa: E402
from benchmarks.platform import PASSWORD, Platform  # noqa: E402
from talkplatform.load import Size, generate  # noqa: E402

SIZES = {
    "small": Size(1_000, 500, 1_000, make_password(PASSWORD)),
    "large": Size(100_000, 10_000, 1_000_000, make_password(PASSWORD)),
}
CALLS = (
    "enrol",
    "buy a session",
    "cancel",
    "my enrollments",
    "access",
    "catalogue",
    "course page",
    "token",
)
READS = {"my enrollments", "access", "catalogue", "course page"}
WARM_UP = 100
MOST_A_SECOND = 2_000
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
SCENARIOS = ("audit", "settlement", "hot course")


def main() -> None:
    """Fill a database, serve it, measure, report."""
    options = _options()
    # As Ctrl-C does: the server is ended with what started it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    for table, made in generate(SIZES[options.size]):
        print(f"\r{table:20} {made:8,}", end="", file=sys.stderr)
    platform = Platform(SIZES[options.size])
    platform.give_readers_rows()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE course_enrollments, payment_holds, hold_parts, transfers")
    with _serving(options) as (server, port):
        # Before the calls, which leave a great many bookings of every course behind.
        scenarios = {name: _scenario(name, platform, port) for name in options.scenarios}
        runs = [_run(options, platform, server, port) for _ in range(options.repeats)]
    _report(options, runs, scenarios)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/benchmark", description=__doc__)
    parser.add_argument("--connections", type=_count, default=8, help="an even number")
    parser.add_argument("--processes", type=_count, default=2)
    parser.add_argument("--threads", type=_count, default=1, help="of each process")
    parser.add_argument("--seconds", type=_count, default=5, help="for each call")
    parser.add_argument("--repeats", type=_count, default=3)
    parser.add_argument("--size", choices=SIZES, default="small")
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


@contextmanager
def _serving(options: argparse.Namespace) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server of production, but for HTTPS and for who it believes about addresses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PORT": str(port),
        "HTTPS": "false",
        "TRUSTED_PROXIES": "1",
        "ACCESS_TOKEN_MINUTES": "600",
        "WEB_PROCESSES": str(options.processes),
        "WEB_THREADS": str(options.threads),
    }
    command = [sys.executable, "-m", "talkplatform.serve"]
    server = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        while not _listens(port):
            if server.poll() is not None:
                sys.exit("The server did not start.")
            time.sleep(0.1)
        yield server, port
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def _run(
    options: argparse.Namespace, platform: Platform, server: Any, port: int
) -> dict[str, dict[str, Any]]:
    results = {}
    for call in options.calls:
        requests = _requests(options, platform, call)
        load.run(port, requests[:WARM_UP], connections=options.connections, seconds=60)
        results[call] = _measure(options, requests[WARM_UP:], server, port)
        if call in raw.WRITES:
            results[call]["raw"] = _raw(options, platform, call)
        print(f"{call:16} {results[call]}", file=sys.stderr)
    return results


def _scenario(name: str, platform: Platform, port: int) -> dict[str, Any]:
    if name == "hot course":
        told = hot.measure(platform, port)
    elif name == "settlement":
        told = settling.measure(platform)
    else:
        began = time.perf_counter()
        call_command("check_ledger", stdout=io.StringIO())
        told = {"seconds": time.perf_counter() - began}
    print(f"{name:16} {told}", file=sys.stderr)
    return told


def _requests(options: argparse.Namespace, platform: Platform, call: str) -> Sequence[bytes]:
    """More than can be sent: made before, or making them would be measured too."""
    enough = WARM_UP + MOST_A_SECOND * options.seconds
    made = list(islice(getattr(platform, call.replace(" ", "_"))(), enough))
    if call in READS:
        return made * (enough // len(made))
    if len(made) <= WARM_UP:
        sys.exit(f"Nobody is left to {call}: ask for fewer seconds or repeats, or --size large.")
    return made


def _measure(options: argparse.Namespace, requests: Any, server: Any, port: int) -> dict[str, Any]:
    database = int(os.environ["MARIADB_PID"])
    with connection.cursor() as cursor:
        before = counters.read(cursor, server=server.pid, database=database)
        outcome = load.run(port, requests, connections=options.connections, seconds=options.seconds)
        spent = counters.read(cursor, server=server.pid, database=database) - before
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
        "statuses": outcome.told(),
    }


def _raw(options: argparse.Namespace, platform: Platform, call: str) -> float:
    if call == "cancel":
        # What is cancelled here was bought here, not by the server that is being measured.
        _bound(options, raw.enrol, raw.pairs_in(platform.pairs, 40_000))
        pairs = platform.enrolled()
    else:
        pairs = raw.pairs_in(platform.pairs, 8_000 * options.seconds)
    return _bound(options, raw.WRITES[call], pairs)


def _bound(options: argparse.Namespace, act: raw.Act, pairs: list[raw.Pair]) -> float:
    return raw.measure(act, pairs, connections=options.connections, seconds=options.seconds)


def _report(
    options: argparse.Namespace, runs: list[dict[str, dict[str, Any]]], scenarios: dict[str, Any]
) -> None:
    medians = {call: _medians([run[call] for run in runs]) for call in options.calls}
    print(f"{'':16}" + "".join(f"{name:>12}" for name in (*COLUMNS, *OF_WRITES)))
    for call, values in medians.items():
        print(f"{call:16}" + "".join(f"{value:12.2f}" for value in values.values()))
    for name, told in scenarios.items():
        print(f"{name}: {json.dumps(told, default=str)}")
    told = {"options": vars(options), "medians": medians, "runs": runs, "scenarios": scenarios}
    options.json.write_text(json.dumps(told, indent=2, default=str) + "\n")


def _medians(results: list[dict[str, Any]]) -> dict[str, float]:
    writes = "raw" in results[0]
    names = (*COLUMNS, "raw") if writes else COLUMNS
    medians = {name: statistics.median(told[name] for told in results) for name in names}
    return medians | ({"of_raw": medians["rate"] / medians["raw"]} if writes else {})


if __name__ == "__main__":
    main()
