"""Senders are killed and frozen, and the mail server fails: every mail comes, and none too often.

And the twin without claims, in which they come twice.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from itertools import islice, product
from threading import Timer

import pytest
from django.conf import settings as project

from accounts.messages import send_link_for_a_new_password
from common.transactions import operation
from enrollments.services.enrolling import enroll_full_course
from notices.models import Mailbox, MailServer, Notice
from notices.services.outbox import send_again, try_address_again
from tests.factories import make_course, student_with_credit
from tests.serving import url_of_test_database

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

SEED = 20
STUDENTS, COURSES, KILLS, FREEZES = 20, 5, 10, 2
# A claim lasts twice as long.
MAIL_SECONDS = 0.7
FAULTS = {
    "seed": SEED,
    "CONNECT": [[0.02, "drop"], [0.02, "421 not now"], [0.01, "554 not ever"]],
    "EHLO": [[0.01, "drop"], [0.01, "421 not now"], [0.01, "550 not ever"]],
    "MAIL": [[0.02, "451 not now"], [0.01, "550 not ever"]],
    "RCPT": [[0.03, "450 not now"], [0.02, "drop"], [0.01, "550 not ever"]],
    "DATA": [[0.02, "451 not now"], [0.02, "drop"], [0.01, "554 not ever"]],
    "END": [
        [0.06, "lose"],
        [0.02, "stall"],
        [0.03, "451 not now"],
        [0.01, "554 not ever"],
        [0.2, "slow"],
    ],
}


class Senders:
    """Sending processes of our own making, which are killed in the end."""

    def __init__(self, port, log, connections):
        environment = {
            "DATABASE_URL": url_of_test_database(),
            "DATABASE_WAIT_SECONDS": "20",
            "DJANGO_SETTINGS_MODULE": "talkplatform.settings",
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
            "MAIL_SECONDS": str(MAIL_SECONDS),
            "MAIL_PAUSE_SECONDS": "0.05",
            "MAIL_CONNECTIONS": str(connections),
            "HTTPS": "false",
            "ENV_FILE": os.devnull,
            "SECRET_KEY": project.SECRET_KEY,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.notices.senders"],
            env=os.environ | environment,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        self.alive, self.thaws = [], []

    def start(self, how="claimed"):
        self.process.stdin.write(f"{how}\n")
        self.process.stdin.flush()
        self.alive.append(int(self.process.stdout.readline()))

    def kill(self, pid):
        """Gives the readers that it was at."""
        self.alive.remove(pid)
        return self.hit(pid, signal.SIGKILL)

    def hit(self, pid, blow):
        os.kill(pid, blow)
        mine = Mailbox.objects.filter(claimed_by__contains=f":{pid}:")
        return list(mine.values_list("reader", flat=True))

    def freeze(self, pid):
        """Stop one, until its claim has run out; gives the readers that it was at.

        By a clock of its own, since on SQLite it may hold up everybody meanwhile.
        """
        hit = self.hit(pid, signal.SIGSTOP)
        thaw = Timer(2 * MAIL_SECONDS + 0.2, self.thaw, (pid,))
        thaw.start()
        self.thaws.append(thaw)
        return hit

    def thaw(self, pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def end_all(self):
        for thaw in self.thaws:
            thaw.join()
        while self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.alive.pop(), signal.SIGKILL)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("senders") / "log"


@pytest.fixture
def connections():
    return 1


@pytest.fixture
def senders(mail_server, log, connections):
    """Two of them, once the first is started."""
    with log.open("w") as out:
        made = Senders(mail_server.port, out, connections)
    yield made
    with suppress(ProcessLookupError):
        os.killpg(made.process.pid, signal.SIGKILL)
    made.process.wait()
    made.process.stdin.close()
    made.process.stdout.close()


def wait_until(true, within=180):
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, state()
        time.sleep(0.02)


def state():
    rows = Counter(Notice.objects.values_list("mail", "mail_note"))
    return rows, list(Mailbox.objects.values()), list(MailServer.objects.values())


def nothing_waits():
    return not Notice.objects.filter(mail="waiting").exists()


class Shop:
    """Students who buy, one course after the other."""

    def __init__(self, students=STUDENTS, courses=COURSES):
        self.students = [student_with_credit("500.00") for _ in range(students)]
        self.undecided = student_with_credit()
        self.courses = [make_course(sessions=1) for _ in range(courses)]
        Notice.objects.all().delete()
        self.orders = list(product(self.courses, self.students))
        self.waiting = iter(self.orders)

    def sell(self, count):
        for course, student in islice(self.waiting, count):
            enroll_full_course(student=student, course_id=course.pk)

    def sell_and_fail(self):
        @operation
        def fail():
            enroll_full_course(student=self.undecided, course_id=self.courses[0].pk)
            raise LookupError

        with suppress(LookupError):
            fail()


@pytest.mark.parametrize("connections", [1, project.MAIL_CONNECTIONS])
def test_every_mail_comes_and_none_too_often(senders, mail_server, log):
    chance, shop, hit = random.Random(SEED), Shop(), Counter()
    mail_server.fails(**FAULTS)
    senders.start()
    senders.start()
    blows = ["kill"] * KILLS + ["freeze"] * FREEZES
    chance.shuffle(blows)
    for number, blow in enumerate(blows):
        shop.sell(len(shop.orders) // len(blows))
        shop.sell_and_fail()
        if number == len(blows) // 2:
            send_link_for_a_new_password(shop.students[0])
        time.sleep(chance.uniform(0, 0.25))
        hit.update(getattr(senders, blow)(chance.choice(senders.alive)))
        senders.start()
    shop.sell(len(shop.orders))
    wait_until(nothing_waits)
    mail_server.fails()
    refused = send_again_what_was_refused()
    assert refused
    wait_until(nothing_waits)
    senders.end_all()
    # Of each purchase the student and the teacher are told.
    assert Notice.objects.count() == 2 * len(shop.orders) + 1
    check(mail_server.taken(), hit, refused, log.read_text())
    check_secrets(mail_server.taken(), log.read_text())


def send_again_what_was_refused():
    """As staff do, once the mail server is mended; gives whose mails these are."""
    refused = Notice.objects.exclude(mail="sent")
    readers = set(refused.values_list("reader", flat=True))
    for reader in readers:
        try_address_again(reader_id=reader)
    for notice in list(refused):
        send_again(notice_id=notice.pk)
    return readers


def check(taken, hit, refused, logged):
    """Of whatever came twice the answer was lost, with the line or with the sender.

    Also where the mail server was too slow to answer in time, as a busy machine is. Mails that were
    `refused` came after those that had followed them.
    """
    told = {str(notice.pk): notice for notice in Notice.objects.order_by("pk")}
    assert {notice.mail for notice in told.values()} == {"sent"}
    keys = [mail["id"].strip("<>").partition("@")[0] for mail in taken]
    assert set(keys) == set(told)
    extra = Counter(keys) - Counter(set(keys))
    lost = Counter(key for key, mail in zip(keys, taken, strict=True) if mail["lost"])
    lost.update(re.findall(r"(\S+) was not taken: no answer in time", logged))
    unexplained = Counter()
    for key, times in (extra - lost).items():
        unexplained[told[key].reader_id] += times
    assert unexplained <= hit
    for reader in {notice.reader_id for notice in told.values()} - refused:
        came = [key for key in dict.fromkeys(keys) if told[key].reader_id == reader]
        assert came == sorted(came)


def check_secrets(taken, logged):
    links = [
        found for mail in taken for found in re.findall(r"/password/\S+/(\S+?)/", mail["mail"])
    ]
    assert links
    rows = [*Notice.objects.values(), *Mailbox.objects.values(), *MailServer.objects.values()]
    assert not any(link in f"{rows}{logged}" for link in links)
    assert "was not taken" in logged
    assert "Traceback" not in logged


def test_without_claims_they_come_twice(senders, mail_server):
    """The race is real: two senders read the same mails, and both send them."""
    shop = Shop(students=10, courses=1)
    mail_server.fails(END="slow")
    shop.sell(len(shop.orders))
    senders.start("unclaimed")
    senders.start("unclaimed")
    wait_until(nothing_waits)
    senders.end_all()
    assert len(mail_server.taken()) > Notice.objects.count()
