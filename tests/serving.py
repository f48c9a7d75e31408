"""The server of production on the test's database, for tests that need real HTTP."""

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
    return urlunsplit(
        urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    )


@contextmanager
def serving(**environment):
    """The running server, a process in a group of its own with its `url`; killed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "talkplatform.serve"],
        cwd=settings.BASE_DIR,
        env=os.environ
        | {
            "DATABASE_URL": url_of_test_database(),
            "ENV_FILE": os.devnull,
            "HTTPS": "false",
            "DEBUG": "true",
            "SECRET_KEY": settings.SECRET_KEY,
            "PORT": str(port),
        }
        | environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    process.url = f"http://127.0.0.1:{port}"
    try:
        yield process
    finally:
        kill(process)


def kill(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(process, path="/readyz"):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{process.url}{path}", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError("the server does not start")
