"""What is said of a job that is late: to probes, to staff, and to a monitor."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from talkplatform import jobs
from talkplatform.jobs import OFTEN, PLANS, claim, finish
from talkplatform.management.commands import send_heartbeat
from talkplatform.models import Job
from tests.factories import StaffFactory, UserFactory
from tests.listening import listening
from tests.livekit import standing_still
from tests.talkplatform.plans import AUDIT, HOUR, SECOND, SETTLING, A, at, change, on_time, wanted

__all__ = ["on_time"]

pytestmark = pytest.mark.django_db


class TestLate:
    def test_readyz_stays_200_and_names_them_without_their_errors(self, client, on_time):
        assert client.get("/readyz").text == "ready"
        change(SETTLING, last_finished=on_time - SETTLING.late_after, error="a secret")
        change(AUDIT, last_finished=on_time - 25 * HOUR)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (200, "ready\nlate: settle_sessions")
        change(AUDIT, last_finished=on_time - 26 * HOUR)
        assert client.get("/readyz").text == "ready\nlate: settle_sessions\nlate: check_ledger"

    def test_where_no_process_ever_looked_all_are_late(self, client):
        assert jobs.late_jobs() == wanted()
        assert "poll_rooms" not in jobs.late_jobs()

    def test_one_that_is_new_has_its_time(self):
        for plan in PLANS:
            if plan.wanted():
                claim(plan, A)
        assert jobs.late_jobs() == []
        change(AUDIT, created_at=timezone.now() - 27 * HOUR)
        assert jobs.late_jobs() == ["check_ledger"]

    def test_rooms_are_asked_where_there_is_livekit(self, settings):
        settings.LIVEKIT_URL = "ws://127.0.0.1:1"
        assert "poll_rooms" in jobs.late_jobs()

    def test_failing_makes_late_and_being_done_does_not(self, on_time):
        change(SETTLING, due=on_time, last_finished=on_time - 3 * OFTEN)
        claim(SETTLING, A)
        finish(SETTLING, A, error="No.")
        assert jobs.late_jobs() == ["settle_sessions"]
        change(SETTLING, due=on_time)
        claim(SETTLING, A)
        finish(SETTLING, A)
        assert jobs.late_jobs() == []


class TestAdmin:
    @pytest.fixture
    def staff(self) -> Client:
        browser = Client()
        browser.force_login(StaffFactory(is_superuser=True))
        return browser

    def test_the_first_page_says_when_each_finished_and_failed(self, staff, on_time):
        change(AUDIT, last_finished=at(3, 4), last_failed=at(1, 2), error="The books are wrong.")
        change(SETTLING, last_finished=on_time - HOUR)
        text = staff.get("/admin/").text
        assert "Late: settle_sessions" in text.replace("check_ledger, ", "")
        assert "Thu 26 Nov 2026, 03:04 UTC" in text
        assert "Thu 26 Nov 2026, 01:02 UTC" in text
        assert "The books are wrong." not in text
        assert "The books are wrong." in staff.get("/admin/talkplatform/job/").text

    def test_no_warning_where_all_is_in_time(self, staff, on_time):
        text = staff.get("/admin/").text
        assert text.count("on time") == len(wanted())
        assert "Late:" not in text

    def test_nobody_edits_them(self, staff, on_time):
        for page in ("add/", "check__5Fledger/change/", "check__5Fledger/delete/"):
            assert staff.post(f"/admin/talkplatform/job/{page}", {"due": ""}).status_code == 403

    def test_they_are_for_those_who_may_look(self, on_time):
        browser = Client()
        browser.force_login(UserFactory(is_staff=True))
        assert "settle_sessions" not in browser.get("/admin/").text


@contextmanager
def answering(status: int = 200, *, drips: bool = False) -> Iterator[str]:
    """The address of a monitor; one that `drips` says something again and again, and never all."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if not drips:
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.flush_headers()
            with suppress(OSError):
                while not over.wait(0.02):
                    self.wfile.write(b"X-More: 1\r\n")

        def log_message(self, *args: object) -> None:
            pass

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        try:
            yield f"{address}/ping"
        finally:
            over.set()


class TestHeartbeat:
    @pytest.fixture(autouse=True)
    def monitor(self, settings):
        settings.HEARTBEAT_URL = "http://127.0.0.1:1/ping"

    def last(self, name: str, when: datetime | None) -> None:
        Job.objects.filter(pk=name).update(last_finished=when)

    def test_a_round_is_full_once_all_that_recur_often_are_done(self, on_time, settings):
        assert not jobs.round_is_full()
        self.last("settle_sessions", on_time + SECOND)
        assert not jobs.round_is_full()
        self.last("send_mail", on_time + SECOND)
        self.last("prune_sign_ins", on_time + SECOND)
        assert not jobs.round_is_full()
        self.last("remind", on_time + SECOND)
        self.last("roll_next_starts", on_time + SECOND)
        assert jobs.round_is_full()
        settings.LIVEKIT_URL = "ws://127.0.0.1:1"
        assert not jobs.round_is_full()
        self.last("poll_rooms", on_time + SECOND)
        assert jobs.round_is_full()

    def test_not_while_a_job_of_the_night_is_late(self, on_time):
        self.last("settle_sessions", on_time + SECOND)
        self.last("send_mail", on_time + SECOND)
        self.last("prune_sign_ins", on_time + SECOND)
        self.last("remind", on_time + SECOND)
        self.last("roll_next_starts", on_time + SECOND)
        self.last("check_ledger", on_time - 26 * HOUR)
        assert not jobs.round_is_full()

    def test_it_is_not_begun_before(self, on_time):
        plan = next(plan for plan in PLANS if plan.name == jobs.HEARTBEAT)
        change(plan, due=on_time)
        assert not claim(plan, A)
        self.last("settle_sessions", on_time + SECOND)
        self.last("send_mail", on_time + SECOND)
        self.last("prune_sign_ins", on_time + SECOND)
        self.last("remind", on_time + SECOND)
        self.last("roll_next_starts", on_time + SECOND)
        assert claim(plan, A)

    def test_a_monitor_that_is_away_is_no_crash(self):
        with pytest.raises(CommandError, match="did not take it"):
            call_command("send_heartbeat")

    def test_one_that_never_answers_is_not_waited_for(self, settings, monkeypatch):
        monkeypatch.setattr(send_heartbeat, "SECONDS", 0.1)
        with standing_still() as url:
            settings.HEARTBEAT_URL = url.replace("ws:", "http:")
            with pytest.raises(CommandError, match=r"no answer within 0\.1 s"):
                call_command("send_heartbeat")

    def test_one_that_answers_drop_by_drop_is_not_waited_for(self, settings, monkeypatch):
        """Each byte comes in time, and the answer never ends."""
        monkeypatch.setattr(send_heartbeat, "SECONDS", 0.3)
        with answering(drips=True) as url:
            settings.HEARTBEAT_URL = url
            began = time.monotonic()
            with pytest.raises(CommandError, match=r"no answer within 0\.3 s"):
                call_command("send_heartbeat")
        assert time.monotonic() - began < 3

    @pytest.mark.parametrize("status", [200, 404])
    def test_the_answer_is_told_and_a_refusal_is_a_failure(self, settings, capsys, status):
        with answering(status) as url:
            settings.HEARTBEAT_URL = url
            if status == 404:
                with pytest.raises(CommandError, match="404"):
                    call_command("send_heartbeat")
            else:
                call_command("send_heartbeat")
                assert capsys.readouterr().out == "The monitor answered 200.\n"

    def test_without_an_address_it_says_so(self, settings):
        settings.HEARTBEAT_URL = ""
        with pytest.raises(CommandError, match="Set HEARTBEAT_URL"):
            call_command("send_heartbeat")
