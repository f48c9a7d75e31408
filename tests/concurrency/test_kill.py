"""A real server is killed under load: what it acknowledged is there, and the books are right."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from uuid import uuid4

import pytest
import requests
from django.db import connection

from accounts.tokens import open_family
from enrollments.models import CourseEnrollment
from tests.factories import make_course, student_with_credit
from tests.serving import kill, serving, wait_until_ready

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

CLIENTS = 8
PURCHASES = 50  # acknowledged before the kill, however slow the machine


@pytest.fixture
def server():
    others = connections()
    with serving(WEB_PROCESSES="4") as process:
        process.others = others
        yield process


class Client:
    """Buys and cancels until the line is cut; remembers what it was told."""

    def __init__(self, url, student, course, sales, over):
        self.url = f"{url}/api/enrollments"
        self.course, self.sales, self.over = course, sales, over
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
        self.sales.release()
        answer = self.send("DELETE", f"/{self.bought[-1]}")
        if answer.status_code == 200:
            self.cancelled.append(self.bought[-1])
        else:
            self.others.append(answer.status_code)

    def send(self, method, path):
        headers = self.headers | {"Idempotency-Key": uuid4().hex}
        return requests.request(method, self.url + path, headers=headers, timeout=30)


def test_what_was_acknowledged_survives_a_kill(server, broken):
    sales, over = Semaphore(0), Event()
    course = make_course(max_students=CLIENTS - 2)
    crowd = [student_with_credit("100.00") for _ in range(CLIENTS)]
    clients = [Client(server.url, student, course, sales, over) for student in crowd]
    wait_until_ready(server)
    with ThreadPoolExecutor(CLIENTS) as pool:
        done = [pool.submit(client.run) for client in clients]
        loaded = all(sales.acquire(timeout=30) for _ in range(PURCHASES))
        kill(server)
        over.set()
        for future in done:
            future.result(timeout=60)
    wait_until_rolled_back(server.others)
    bought = {key for client in clients for key in client.bought}
    cancelled = {key for client in clients for key in client.cancelled}
    status = dict(CourseEnrollment.objects.values_list("pk", "status"))
    stored = {str(key): value for key, value in status.items()}
    assert loaded
    assert bought <= stored.keys()
    assert {stored[key] for key in cancelled} == {"cancelled"}
    assert {other for client in clients for other in client.others} <= {409}
    assert broken() == {}


def connections():
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = DATABASE()")
        return {key for (key,) in cursor.fetchall()}


def wait_until_rolled_back(others):
    """The database notices that all but these `others` are gone, and undoes what they had begun."""
    deadline = time.monotonic() + 30
    while connections() - others:
        assert time.monotonic() < deadline, "connections of the killed server are still there"
        time.sleep(0.1)
