"""Processes of ours on the test's database: the server of production, and whatever else."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import requests
from django.conf import settings
from django.db import connection


def url_of_test_database():
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@contextmanager
def running(*words, output=subprocess.DEVNULL, **environment):
    """A process of Python's with these arguments, in a group of its own; killed at the end."""
    with subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=settings.BASE_DIR,
        env=os.environ
        | {
            "DATABASE_URL": url_of_test_database(),
            "ENV_FILE": os.devnull,
            "HTTPS": "false",
            "SECRET_KEY": settings.SECRET_KEY,
        }
        | environment,
        start_new_session=True,
        stdout=output,
        stderr=output,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            kill(process)


@contextmanager
def serving(output=subprocess.DEVNULL, **environment):
    """The running server, a process in a group of its own with its `url`; killed at the end.

    Of two processes, where nothing else is said: each takes a second or two to start.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Without the jobs, which would settle what a test is about.
    wanted = {"DEBUG": "true", "PORT": str(port), "JOBS": "false", "WEB_PROCESSES": "2"}
    wanted |= environment
    with running("-m", "talkplatform.serve", output=output, **wanted) as process:
        process.url = f"http://127.0.0.1:{port}"
        yield process


def kill(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(process, path="/readyz"):
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{process.url}{path}", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError("the server does not start")
