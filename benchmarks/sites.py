"""A site: a database of one size, and the production server with it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection

from benchmarks.platform import PASSWORD, Platform
from demo.load import Size, generate

SIZES = {
    "small": Size(1_000, 500, 1_000, make_password(PASSWORD)),
    "large": Size(100_000, 10_000, 1_000_000, make_password(PASSWORD)),
}


@dataclass(frozen=True)
class Site:
    """What is measured: its name, its data, its server's first process and port."""

    name: str
    platform: Platform
    server: int
    port: int

    @contextmanager
    def beside(self, **environment: object) -> Iterator[int]:
        """Another server of the site, of its own settings, while the context lasts: its port."""
        self.enter()
        with _server(**environment) as (_, port):
            yield port

    def enter(self) -> None:
        """From here on, this process and everything it starts work on the site's database."""
        _use_database(self.name)


@contextmanager
def serving(size: str, *, processes: int, threads: int) -> Iterator[Site]:
    """Fill a database, and serve it while the context lasts."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {size}")
    _use_database(size)
    platform = _fill(SIZES[size])
    with _server(WEB_PROCESSES=processes, WEB_THREADS=threads) as (pid, port):
        yield Site(size, platform, pid, port)


@contextmanager
def _server(**settings: object) -> Iterator[tuple[int, int]]:
    """The server of production on the database in use, with these settings: its pid, its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # As in production, except for HTTPS, whom it trusts about addresses, and the jobs.
    environment = {
        "PORT": str(port),
        "HTTPS": "false",
        "TRUSTED_PROXIES": "1",
        "JOBS": "false",
        **{name: str(value) for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "talkplatform.serve"]
    server = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        while not _listens(port):
            if server.poll() is not None:
                sys.exit("The server did not start.")
            time.sleep(0.1)
        yield server.pid, port
    finally:
        server.terminate()
        server.wait()


def _use_database(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    address = urlsplit(os.environ["DATABASE_URL"])
    os.environ["DATABASE_URL"] = address._replace(path=f"/{name}").geturl()


def _fill(size: Size) -> Platform:
    call_command("migrate", verbosity=0)
    for table, made in generate(size):
        print(f"\r{table:20} {made:8,}", end="", file=sys.stderr)
    platform = Platform(size)
    platform.give_readers_rows()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE course_enrollments, payment_holds, hold_parts, transfers")
    return platform


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
