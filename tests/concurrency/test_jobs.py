"""The jobs as processes run them: each pass once, taken over when one dies, over when told."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from queue import Empty, Queue
from subprocess import PIPE
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import StaffRequest
from accounts.staff_requests import ask
from enrollments.services.purchasing import purchase_session
from notices.models import Notice
from payments.models import HoldPart
from talkplatform.jobs import PLANS, Plan, claim
from talkplatform.models import Job, JobQuerySet
from tests.concurrency.racing import race
from tests.conversations import CONFIGURED
from tests.factories import StaffFactory, end_session, make_course, student_with_credit
from tests.listening import listening
from tests.livekit import standing_still
from tests.serving import kill, running, serving, wait_until_ready

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
SETTLING = PLANS[0]
ROLLING, ASKED = (plan for plan in PLANS if plan.name in ("roll_next_starts", "carry_out_requests"))
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
PRODUCTION = {"DJANGO_SETTINGS_MODULE": "talkplatform.settings"}
# What the server waits for its processes.
STOPS_WITHIN = 8


def wait_for(happens: Callable[[], Any], within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("plan", [SETTLING, ROLLING, ASKED], ids=lambda plan: plan.name)
class TestClaims:
    @pytest.fixture(autouse=True)
    def both_have_read(self, meeting, plan):
        meeting().after(Job, "is_free")
        Job.objects.create(pk=plan.name, due=timezone.now())

    def begin_both(self, plan: Plan) -> list[Any]:
        return sorted(race(lambda: claim(plan, "a:1"), lambda: claim(plan, "b:2")))

    def test_of_two_who_read_that_it_is_due_one_begins(self, plan):
        assert self.begin_both(plan) == [False, True]

    def test_without_the_claim_both_do(self, plan, monkeypatch):
        monkeypatch.setattr(JobQuerySet, "free", lambda rows, now: rows)
        assert self.begin_both(plan) == [True, True]


@pytest.fixture
def probes(tmp_path: Path) -> Iterator[Any]:
    """Starts processes of tests/concurrency/probe.py; `passes()` are what they wrote."""

    class Probes(ExitStack):
        file = tmp_path / "passes"

        def begin(self, *words: str, **more: Any) -> Any:
            command = ("-m", "tests.concurrency.probe", self.file, *words)
            return self.enter_context(running(*command, **more))

        def passes(self) -> list[tuple[str, int]]:
            lines = self.file.read_text().splitlines() if self.file.exists() else []
            return [(due, int(pid)) for due, _, pid in (line.partition(" ") for line in lines)]

        def who(self) -> set[int]:
            return {pid for _, pid in self.passes()}

        def most(self) -> int:
            """How often the pass was done that was done most often."""
            return max(Counter(due for due, _ in self.passes()).values(), default=0)

    with Probes() as made:
        yield made


def test_two_processes_do_each_pass_once(probes):
    both = [probes.begin() for _ in range(2)]
    wait_for(lambda: len(probes.passes()) >= 12)
    assert [one.poll() for one in both] == [None, None]
    assert probes.most() == 1


def test_without_the_claim_two_processes_do_it_twice(probes):
    for _ in range(2):
        probes.begin("unclaimed")
    wait_for(lambda: probes.most() >= 2)


def test_what_a_killed_process_was_at_is_taken_over_once_its_lease_ran_out(probes):
    lost = probes.begin("hangs")
    wait_for(probes.passes)
    other = probes.begin()
    kill(lost)
    job = Job.objects.get()
    assert job.leased_until > timezone.now()
    Job.objects.update(leased_until=timezone.now())
    wait_for(lambda: other.pid in probes.who())
    [(due, _), (again, _), *_] = probes.passes()
    assert due == again
    assert Job.objects.get().error == f"{job.leased_by} did not end it."


def test_what_hangs_delays_no_other_job(probes):
    probes.begin("hangs", "beside")
    wait_for(probes.passes)
    done = Path(f"{probes.file}.beside")
    before = len(done.read_text().splitlines()) if done.exists() else 0
    wait_for(lambda: done.exists() and len(done.read_text().splitlines()) >= before + 3)
    assert len(probes.passes()) == 1


def test_told_to_stop_it_does_not_wait_for_what_hangs(probes):
    hanging = probes.begin("hangs")
    wait_for(probes.passes)
    hanging.terminate()
    assert hanging.wait(timeout=STOPS_WITHIN) == 0


def test_a_pass_that_outlasts_its_time_ends_the_process_which_says_so(probes):
    hanging = probes.begin("hangs", "short", output=PIPE)
    assert hanging.wait(timeout=60) == 1
    said = hanging.stderr.read()
    assert "probe: no end of it" in said
    assert "in run" in said


def test_no_statement_of_a_pass_takes_longer_than_the_pass_may(probes):
    probes.begin("asks")
    wait_for(Job.objects.exclude(error="").exists, within=20)
    assert "OperationalError: (2013" in Job.objects.get().error


def test_it_ends_with_the_process_that_it_was_told_of():
    # Not this process, so that one is over.
    with running("manage.py", "run_jobs", "--parent=1", **PRODUCTION) as orphan:
        assert orphan.wait(timeout=60) == 0


def test_while_the_database_is_away_it_waits_and_says_so(tmp_path):
    nowhere = {"DATABASE_URL": f"sqlite:///{tmp_path}/none/db.sqlite3", "JOB_SECONDS": "0.1"}
    with running("manage.py", "run_jobs", output=PIPE, **nowhere, **PRODUCTION) as blind:
        assert "nobody knows whose turn it is" in blind.stderr.readline()
        blind.terminate()
        assert blind.wait(timeout=STOPS_WITHIN) == 0


@pytest.fixture
def monitor() -> Iterator[Any]:
    """A monitor on the network: `url`, and a queue of what it was asked for."""
    heard: Queue[str] = Queue()

    class Monitor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.put(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Monitor)
    server.heard = heard
    with listening(server) as address:
        server.url = f"{address}/ping"
        yield server


def test_the_server_alone_settles_and_mails_while_livekit_stands_still(settings, broken, tmp_path):
    session, student = make_course().sessions.first(), student_with_credit("16.00")
    purchase_session(student=student, session_id=session.pk)
    with standing_still() as url:
        wanted = CONFIGURED | {"LIVEKIT_URL": url}
        for name, value in wanted.items():
            setattr(settings, name, value)
        wanted |= {"JOBS": "true", "JOB_SECONDS": "0.3", "SETTLEMENT_GRACE_MINUTES": "0"}
        printed = (tmp_path / "printed").open("w+")
        with printed, serving(output=printed, **PRODUCTION, **wanted) as server:
            wait_until_ready(server)
            end_session(session, ago=-4 * SECOND)
            play = ("simulate_session", str(session.pk), "--url", server.url)
            call_command(*play, stdout=StringIO())
            wait_for(Job.objects.filter(pk="poll_rooms", last_failed__isnull=False).exists)
            wait_for(HoldPart.objects.filter(status="released").exists)
            assert timezone.now() - session.ends_at < 5 * SECOND
            wait_for(Notice.objects.filter(kind="teaching_settled", mail="sent").exists)
            printed.seek(0)
            sent = re.findall(r"^Message-ID: <(.+)@", printed.read(), re.MULTILINE)
    mailed = Notice.objects.exclude(mail="none").order_by("pk")
    kinds = ["booking_made", "sale_made", "teaching_settled"]
    assert sorted(mailed.values_list("kind", flat=True)) == kinds
    assert sorted(sent) == sorted(str(notice.pk) for notice in mailed)
    assert broken() == {}


@pytest.mark.mariadb
def test_mails_go_out_beside_an_export_that_takes_long():
    """It goes on as long as this connection has the row that each piece of the file changes."""
    session, student = make_course().sessions.first(), student_with_credit("16.00")
    ask(user=StaffFactory(), what="holds", permission="payments.export_paymenthold")
    patient = {"JOB_SECONDS": "0.3", "DATABASE_WAIT_SECONDS": "60", **PRODUCTION}
    with closing(connection.copy()) as holding, running("manage.py", "run_jobs", **patient):
        with holding.cursor() as cursor:
            cursor.execute("START TRANSACTION")
            cursor.execute("SELECT id FROM staff_requests FOR UPDATE")
        wait_for(Job.objects.filter(pk=ASKED.name).exclude(leased_by="").exists)
        purchase_session(student=student, session_id=session.pk)
        wait_for(Notice.objects.filter(kind="booking_made", mail="sent").exists)
        assert StaffRequest.objects.waiting().exists()
        holding.close()
        wait_for(StaffRequest.objects.filter(state="done").exists)


def test_a_monitor_hears_of_each_full_round(monitor):
    with running(
        "manage.py", "run_jobs", JOB_SECONDS="0.3", HEARTBEAT_URL=monitor.url, **PRODUCTION
    ):
        for _ in range(2):
            assert monitor.heard.get(timeout=60) == "/ping"
            assert Job.objects.get(pk="settle_sessions").last_finished


def test_a_monitor_hears_nothing_while_settling_fails(monitor, settings):
    """As it does here because somebody else is at it, and never ends."""
    now = timezone.now()
    Job.objects.create(pk="settle_sessions", due=now, leased_by="a:1", leased_until=now + HOUR)
    environment = {"JOB_SECONDS": "0.3", "HEARTBEAT_URL": monitor.url, **PRODUCTION}
    with running("manage.py", "run_jobs", **environment):
        wait_for(Job.objects.filter(pk="check_ledger").exists)
        with pytest.raises(Empty):
            monitor.heard.get(timeout=1)
        Job.objects.filter(pk="settle_sessions").update(leased_until=now)
        assert monitor.heard.get(timeout=60) == "/ping"
