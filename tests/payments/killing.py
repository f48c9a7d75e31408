"""A database and a server of a test's own, to be killed in the middle of whatever they do."""

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as ours
from django.db import DatabaseError, InterfaceError, connection

from common.errors import Unavailable
from payments.errors import ProcessorUnavailable
from tests.copying import lay, tables
from tests.serving import kill, running, wait_until_ready
from tests.stripe.stand_in import KEY, SECRET

LOST = (DatabaseError, InterfaceError)
PASSING = (Unavailable, ProcessorUnavailable, *LOST)
PATIENCE = 120
MEMORY = "/dev/shm"


def surely(act, passing=PASSING):
    """Do it until it works: what may be in the way passes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except passing:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.fixture
def database():
    """A database of its own, which writes each commit down, and which this test can kill.

    In memory where there is room: what ends with the process is the process alone.
    """
    tell = 'echo "$DATABASE_URL"; echo "$MARIADB_CONFIG"; echo "$MARIADB_PID"; exec sleep 900'
    room = {"TMPDIR": MEMORY} if os.access(MEMORY, os.W_OK) else {}
    with subprocess.Popen(
        ["script/with-mariadb", "--durable", "bash", "-c", tell],
        cwd=ours.BASE_DIR,
        env=room | os.environ,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with pytest.MonkeyPatch.context() as patch:
                database = Database(*(process.stdout.readline().strip() for _ in range(3)), patch)
                yield database
                connection.close()
                database.end()
        finally:
            process.terminate()


class Database:
    """It has the tables of the test's own database, and this process is connected with it."""

    def __init__(self, url, config, pid, patch):
        self.url, self.config, self.pid, self.process = url, config, int(pid), None
        (self.socket,) = parse_qs(urlsplit(url).query)["unix_socket"]
        made = [*tables()]
        connection.close()
        patch.setitem(connection.settings_dict, "NAME", "talkplatform")
        patch.setitem(connection.settings_dict["OPTIONS"], "unix_socket", self.socket)
        lay(made)

    def kill(self):
        """End it in the middle of whatever it does, and start it on what it had written."""
        os.kill(self.pid, signal.SIGKILL)
        self.end()
        program = os.environ.get("DATABASE_SERVER", "mariadbd")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([program, f"--defaults-file={self.config}"], **quiet)
        self.pid = self.process.pid
        connection.close()
        surely(connection.ensure_connection)

    def end(self):
        """Take note of the end of the one that was started again."""
        if self.process:
            self.process.kill()
            self.process.wait()


class Site:
    """Our server, which hears the webhooks, always at the same address."""

    def __init__(self, database, at_stripe):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "DATABASE_URL": database.url,
            "STRIPE_SECRET_KEY": KEY,
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "STRIPE_API_BASE": at_stripe.url,
            "PORT": str(self.port),
            "JOBS": "false",
            "WEB_PROCESSES": "1",
            "DEBUG": "true",
        }

    @contextmanager
    def up(self):
        self.start()
        try:
            yield self
        finally:
            self.kill()

    def start(self):
        self.running = running("-m", "talkplatform.serve", **self.environment)
        self.process = self.running.__enter__()
        self.process.url = self.url
        wait_until_ready(self.process)

    def kill(self):
        kill(self.process)
        self.running.__exit__(None, None, None)

    def kill_and_start(self):
        """End it in the middle of whatever it does, and start it again."""
        self.kill()
        self.start()
