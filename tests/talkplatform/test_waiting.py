"""Whatever has become of the database, a request is answered within twice what it may wait."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import OperationalError, connection, connections, transaction

from accounts.tokens import open_family
from common.transactions import unhurried
from courses.models import Course
from tests.factories import make_course, student_with_credit
from tests.serving import serving, wait_until_ready

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

WAIT_SECONDS = 1
# Twice that; but for an answer two seconds are waited at least, and for a connection one. And what
# a busy machine takes for itself.
IN_TIME = max(2 * WAIT_SECONDS, 2 + 1) + 1


class Site:
    """The server of production, whose every worker has asked the database before."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        began = time.monotonic()
        answer = requests.request(method, self.url + path, timeout=10, **more)
        assert time.monotonic() - began < IN_TIME, f"{path}: {time.monotonic() - began:.1f} s"
        return answer

    def refuses(self, method: str, path: str, **more: Any) -> None:
        answer = self.ask(method, path, **more)
        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"] == "2"
        if path.startswith("/api/"):
            assert answer.json()["code"] == "unavailable"


LIMITS = {"DATABASE_WAIT_SECONDS": str(WAIT_SECONDS), "WEB_PROCESSES": "1"}


@pytest.fixture(scope="module")
def site(django_db_setup) -> Iterator[Site]:
    with serving(**LIMITS) as process:
        wait_until_ready(process)
        yield Site(process.url)


@pytest.fixture
def buying(site) -> tuple[str, dict[str, str]]:
    """Where somebody who can pay buys a course, and the headers that say who it is."""
    course, student = make_course(), student_with_credit("100.00")
    return f"/api/enrollments/courses/{course.pk}", {
        "Authorization": f"Bearer {open_family(student)['access']}"
    }


def test_one_row_that_somebody_keeps_locked(site, buying):
    path, headers = buying
    with transaction.atomic():
        Course.objects.locked().get()
        site.refuses("POST", path, headers=headers)
        # Reading waits for no row.
        assert site.ask("GET", "/api/courses").ok
    assert site.ask("POST", path, headers=headers).status_code == 201


@pytest.mark.parametrize("table", ["courses", "transfers", "users"])
def test_a_table_that_somebody_keeps_locked(site, buying, table):
    path, headers = buying
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {table} WRITE")
        try:
            site.refuses("POST", path, headers=headers)
            if table == "courses":
                site.refuses("GET", "/")
        finally:
            cursor.execute("UNLOCK TABLES")
    assert site.ask("POST", path, headers=headers).status_code == 201


@pytest.fixture
def another_database() -> Iterator[tuple[str, int]]:
    """The address of a database of its own, empty, and the process that serves it."""
    tell = 'echo "$DATABASE_URL"; echo "$MARIADB_PID"; exec sleep 600'
    with subprocess.Popen(
        ["script/with-mariadb", "bash", "-c", tell],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), int(process.stdout.readline())
        finally:
            process.terminate()


def test_a_database_that_is_silent(another_database):
    url, pid = another_database
    with serving(DATABASE_URL=url, **LIMITS) as process:
        site = Site(process.url)
        wait_until_ready(process, "/healthz")
        assert site.ask("GET", "/readyz").text == "migrations are missing"
        os.kill(pid, signal.SIGSTOP)
        try:
            # On the connection that it has; then there is none.
            site.refuses("POST", "/api/auth/token", json={"email": "a@b.example", "password": "x"})
            site.refuses("GET", "/")
            assert site.ask("GET", "/readyz").text == "no database"
        finally:
            os.kill(pid, signal.SIGCONT)
        assert site.ask("GET", "/readyz").text == "migrations are missing"


@contextmanager
def hurried() -> Iterator[None]:
    """The connection of this thread is as those of the web are."""
    options = connection.settings_dict["OPTIONS"]
    limits = {"read_timeout": 1, "lock_wait_timeout": 1}
    connection.close()
    options.update(limits)
    try:
        yield
    finally:
        connection.close()
        for name in limits:
            del options[name]


def sleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT SLEEP(%s)", [seconds])


def test_what_takes_minutes_has_a_connection_without_limits():
    with hurried():
        usual = connections["default"]
        with unhurried():
            sleep(1.5)
        assert connections["default"] is usual
        with pytest.raises(OperationalError, match="2013"):
            sleep(1.5)
