"""A site: a database of one size, and the production server with it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from django.db import connection

from benchmarks.platform import CLERK, PASSWORD, Platform
from demo.rows import Size

SIZES = {
    "small": Size(1_000, 1_000, 1_000),
    "large": Size(100_000, 10_000, 1_000_000),
    "courses": Size(10_000, 100_000, 100_000),
}
# The name of the site that is as it was at another commit.
THEN = "then"
HERE = Path(__file__).parents[1]
FILLING = Path(__file__).with_name("filling.py")


@dataclass(frozen=True)
class Site:
    """What is measured: its name, its code and data, its server's first process and port."""

    name: str
    tree: Path
    platform: Platform
    server: int
    port: int

    @property
    def is_ours(self) -> bool:
        """Whether its code is this file's: then it can be measured from within as well."""
        return self.tree == HERE

    @contextmanager
    def beside(self, **environment: object) -> Iterator[int]:
        """Another server of the site, of its own settings, while the context lasts: its port."""
        self.enter()
        with _server(self.tree, **environment) as (_, port):
            yield port

    def enter(self) -> None:
        """From here on, this process and everything it starts work on the site's database."""
        _use_database(self.name)


@contextmanager
def code_of(commit: str) -> Iterator[Path]:
    """The code as it was then, in a folder that is gone afterwards."""
    archive = subprocess.check_output(["git", "archive", commit], cwd=HERE)
    with TemporaryDirectory(prefix="talkplatform-then-") as place:
        subprocess.run(["tar", "--extract", "--directory", place], input=archive, check=True)
        yield Path(place)


@contextmanager
def serving(name: str, size: Size, tree: Path = HERE, **settings: object) -> Iterator[Site]:
    """Fill a database of this name, and serve it while the context lasts, with the tree's code."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}`")
    _use_database(name)
    platform = _fill(size, tree)
    with _server(tree, **settings) as (pid, port):
        yield Site(name, tree, platform, pid, port)


@contextmanager
def _server(tree: Path, **settings: object) -> Iterator[tuple[int, int]]:
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
    server = subprocess.Popen(
        [sys.executable, "-m", "talkplatform.serve"],
        cwd=tree,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
    )
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


def _fill(size: Size, tree: Path) -> Platform:
    numbers = map(str, (size.students, size.courses, size.enrollments))
    command = [sys.executable, "-P", str(FILLING), *numbers, PASSWORD, CLERK]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    subprocess.run(command, cwd=tree, env=environment, stdout=sys.stderr, check=True)
    platform = Platform(size)
    platform.add_readers()
    with connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        cursor.execute(f"ANALYZE TABLE {', '.join(row[0] for row in cursor.fetchall())}")
    return platform


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
