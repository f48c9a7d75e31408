"""A real server is killed under load: what it acknowledged is there, and the books are right."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import requests
from django.conf import settings
from django.db import connection

from accounts.tokens import open_family
from enrollments.models import CourseEnrollment
from tests.factories import make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

CLIENTS = 8
LOAD_SECONDS = 1.5


def url_of_test_database():
    return urlunsplit(
        urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    )


@pytest.fixture
def server():
    """The production server on the test's database, in a process group of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "DATABASE_URL": url_of_test_database(),
        "ENV_FILE": os.devnull,
        "HTTPS": "false",
        "DEBUG": "true",
        "SECRET_KEY": settings.SECRET_KEY,
        "PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "talkplatform.serve"],
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    process.url = f"http://127.0.0.1:{port}"
    yield process
    kill(process)


def kill(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{process.url}/readyz", timeout=2).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the server does not start")


class Client:
    """Buys and cancels until the line is cut; remembers what it was told."""

    def __init__(self, url, student, course, over):
        self.url = f"{url}/api/enrollments"
        self.course, self.over = course, over
        self.headers = {"Authorization": f"Bearer {open_family(student)['access']}"}
        self.bought, self.cancelled, self.others = [], [], []

    def run(self):
        try:
            while not self.over.is_set():
                self.buy_and_cancel()
        except requests.RequestException:
            pass

    def buy_and_cancel(self):
        answer = self.send("POST", f"/courses/{self.course.pk}")
        if answer.status_code != 201:
            self.others.append(answer.status_code)
            return
        self.bought.append(answer.json()["id"])
        answer = self.send("DELETE", f"/{self.bought[-1]}")
        if answer.status_code == 200:
            self.cancelled.append(self.bought[-1])
        else:
            self.others.append(answer.status_code)

    def send(self, method, path):
        headers = self.headers | {"Idempotency-Key": uuid4().hex}
        return requests.request(method, self.url + path, headers=headers, timeout=10)


def test_what_was_acknowledged_survives_a_kill(server, broken):
    over = Event()
    course = make_course(max_students=CLIENTS - 2)
    crowd = [student_with_credit("100.00") for _ in range(CLIENTS)]
    clients = [Client(server.url, student, course, over) for student in crowd]
    wait_until_ready(server)
    with ThreadPoolExecutor(CLIENTS) as pool:
        done = [pool.submit(client.run) for client in clients]
        time.sleep(LOAD_SECONDS)
        kill(server)
        over.set()
        for future in done:
            future.result(timeout=20)
    wait_until_rolled_back()
    bought = {key for client in clients for key in client.bought}
    cancelled = {key for client in clients for key in client.cancelled}
    status = dict(CourseEnrollment.objects.values_list("pk", "status"))
    stored = {str(key): value for key, value in status.items()}
    assert len(bought) > CLIENTS
    assert bought <= stored.keys()
    assert {stored[key] for key in cancelled} == {"cancelled"}
    assert {other for client in clients for other in client.others} <= {409}
    assert broken() == {}


def wait_until_rolled_back():
    """The database notices that its clients are gone, and undoes what they had begun."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()"
            )
            if cursor.fetchone() == (1,):
                return
        time.sleep(0.1)
    raise AssertionError("connections of the killed server are still there")
