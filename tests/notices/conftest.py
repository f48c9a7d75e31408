import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.formats import moment
from notices import kinds, sending
from notices.kinds import Kind, Letter
from tests.factories import UserFactory


def letter(notice: Any) -> Letter:
    return Letter(subject=notice.text("title"), lead=f"It moved to {moment(notice.time('at'))}.")


def text(notice: Any) -> str:
    return f"{notice.text('title')} moved to {moment(notice.time('at'))}"


@pytest.fixture
def make_kind(monkeypatch) -> Callable[..., Kind]:
    """Makes a kind known for the time of a test: what moved, by mail and in the product."""

    def make(name: str = "moved", **changes: Any) -> Kind:
        kind = Kind(
            **{
                "name": name,
                "to": "students",
                "told": "a session that they booked was moved",
                "letter": letter,
                "text": lambda notice: (
                    f"{notice.text('title')} moved to {moment(notice.time('at'))}"
                ),
                **changes,
            }
        )
        monkeypatch.setitem(kinds._kinds, name, kind)
        return kind

    return make


class MailServer:
    """The running mail server: what it is to do wrong, and what it took."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        self.fails()
        words = [sys.executable, "-m", "tests.notices.mailserver", str(folder), *more]
        self.process = subprocess.Popen(words)
        deadline = time.monotonic() + 30
        while not (folder / "port").exists():
            assert self.process.poll() is None, "the mail server ended"
            assert time.monotonic() < deadline, "the mail server does not start"
            time.sleep(0.01)
        self.port = int((folder / "port").read_text())

    def fails(self, **faults: Any) -> None:
        """Do this wrong from now on, and nothing else."""
        new = self.folder / "faults.new"
        new.write_text(json.dumps({name.replace("_", " ", 1): f for name, f in faults.items()}))
        new.rename(self.folder / "faults.json")

    def forget(self) -> None:
        self.fails()
        (self.folder / "taken.jsonl").write_text("")

    def taken(self) -> list[dict[str, Any]]:
        lines = (self.folder / "taken.jsonl").read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def addresses(self) -> list[str]:
        return [address for mail in self.taken() for address in mail["to"]]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def running_server(tmp_path_factory) -> Iterator[MailServer]:
    server = MailServer(tmp_path_factory.mktemp("mailserver"))
    yield server
    server.end()


@pytest.fixture
def mail_server(running_server, settings) -> MailServer:
    """A mail server that mails go to, one after the other."""
    running_server.forget()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running_server.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.MAIL_SECONDS, settings.MAIL_CONNECTIONS = 5.0, 1
    sending._slow.clear()
    return running_server


@pytest.fixture
def ada():
    return UserFactory(email="ada@example.com", time_zone="Asia/Tokyo")


@pytest.fixture
def bob():
    return UserFactory(email="bob@example.org")


@pytest.fixture
def kind(make_kind):
    return make_kind(letter=lambda n: Letter(subject=n.text("title"), lead="It moved."))
