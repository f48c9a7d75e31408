"""Hands one email to the mail server, within a deadline, and says how it was received."""

import smtplib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from threading import Lock, Timer
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend

from notices.models import LONGEST_NOTE

# These aren't about this reader or this email, such as when a login is required after all.
SERVER_REFUSES = {530}
# What a server says about an email may quote a link from it.
LONGEST_WORD = 30
BYE_SECONDS = 2


class Verdict(Enum):
    ACCEPTED = auto()
    LATER = auto()
    NO_SUCH_ADDRESS = auto()
    REFUSED = auto()


@dataclass(frozen=True)
class Answer:
    """What happened to an email; in the words of the mail server if it was refused."""

    verdict: Verdict
    said: str = ""


class ServerFailed(Exception):
    """The server accepts no email at all: it is down, or refuses us. What it said."""


class Deadline:
    """Cuts the connection that it watches once its time, by the monotonic clock, is up.

    A timeout applies to each read, so a slow server could hold up an email for ever.
    """

    def __init__(self, at: float) -> None:
        self.at = at
        self._lock = Lock()
        self._line: socket.socket | None = None
        self._timer = Timer(max(0.0, at - time.monotonic()), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, line: socket.socket) -> None:
        """Cut this connection then; a handle of our own survives what TLS does to the socket."""
        with self._lock:
            self._line = line.dup()
        self.check()

    def is_over(self) -> bool:
        return time.monotonic() >= self.at

    def check(self) -> None:
        """Raises `TimeoutError` once it is over."""
        if self.is_over():
            raise TimeoutError

    def explain(self, error: Exception) -> str:
        """What is wrong, for staff to read; for a connection that was cut, the reason."""
        return "no answer in time" if self.is_over() else words_of(error)

    def cancel(self) -> None:
        self._timer.cancel()
        with self._lock:
            if self._line:
                self._line.close()
                self._line = None

    def _cut(self) -> None:
        with self._lock, suppress(OSError):
            if self._line:
                self._line.shutdown(socket.SHUT_RDWR)


class Plain(smtplib.SMTP):
    def __init__(self, deadline: Deadline, *args: Any, **kwargs: Any) -> None:
        self.deadline = deadline
        super().__init__(*args, **kwargs)

    def _get_socket(self, *args: Any) -> socket.socket:
        line: socket.socket = super()._get_socket(*args)  # type: ignore[misc]
        try:
            self.deadline.watch(line)
        except TimeoutError:
            line.close()
            raise
        return line


class Secure(smtplib.SMTP_SSL, Plain):
    """In this order, so that a connection is watched before TLS starts on it."""

    def __init__(self, deadline: Deadline, *args: Any, **kwargs: Any) -> None:
        self.deadline = deadline
        smtplib.SMTP_SSL.__init__(self, *args, **kwargs)


class Backend(EmailBackend):
    """Django's backend, which knows the settings, with connections that end in time."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(timeout=settings.MAIL_SECONDS)
        self._deadline = deadline

    @property
    def connection_class(self) -> Any:
        return partial(Secure if self.use_ssl else Plain, self._deadline)


Send = Callable[[EmailMultiAlternatives], Answer]


def by_smtp() -> bool:
    """Whether emails go to a mail server, not to a console, a file or elsewhere."""
    return isinstance(get_connection(), EmailBackend)


@contextmanager
def line(until: float) -> Iterator[Send]:
    """A connection to the mail server, for one email, that ends by `until` (monotonic clock).

    Raises `ServerFailed` if there is none, or the server refuses everything we send.
    """
    if not by_smtp():
        yield _hand_to_backend
        return
    deadline = Deadline(until)
    try:
        with _greeted(deadline) as server:
            yield partial(_converse, server, deadline)
    finally:
        deadline.cancel()


@contextmanager
def _greeted(deadline: Deadline) -> Iterator[smtplib.SMTP]:
    backend = Backend(deadline)
    try:
        backend.open()
        server: Any = backend.connection
        server.ehlo_or_helo_if_needed()
    except (smtplib.SMTPException, OSError) as error:
        _hang_up(backend)
        raise ServerFailed(deadline.explain(error)) from error
    try:
        yield server
    finally:
        _hang_up(backend)


def _hang_up(backend: EmailBackend) -> None:
    """Say goodbye without waiting long: the important part is done."""
    server: Any = backend.connection or backend._partial_connection  # type: ignore[attr-defined]
    if server and server.sock:
        with suppress(smtplib.SMTPException, OSError):
            server.sock.settimeout(BYE_SECONDS)
            server.quit()
        server.close()


def _converse(server: smtplib.SMTP, deadline: Deadline, message: EmailMultiAlternatives) -> Answer:
    """MAIL FROM, RCPT TO, DATA: who is refused depends on which of them is answered."""
    try:
        code, said = server.mail(message.from_email)
    except (smtplib.SMTPException, OSError) as error:
        raise ServerFailed(deadline.explain(error)) from error
    if code != 250:
        # Nothing was said of the email yet, not even its size: whatever it is, it is about us.
        raise ServerFailed(_quote(code, said))
    letter: Any = message.message()
    try:
        code, said = server.rcpt(message.to[0])
        if code not in (250, 251):
            return _refused(code, said, Verdict.NO_SUCH_ADDRESS)
        deadline.check()
        code, said = server.data(letter.as_bytes(linesep="\r\n"))
    except smtplib.SMTPDataError as error:
        code, said = error.smtp_code, _bytes(error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        # It may have accepted the email, with its answer lost.
        return Answer(Verdict.LATER, deadline.explain(error))
    return Answer(Verdict.ACCEPTED) if code == 250 else _refused(code, said, Verdict.REFUSED)


def _refused(code: int, said: bytes, for_good: Verdict) -> Answer:
    if code in SERVER_REFUSES:
        raise ServerFailed(_quote(code, said))
    return Answer(for_good if 500 <= code < 600 else Verdict.LATER, _quote(code, said))


def _hand_to_backend(message: EmailMultiAlternatives) -> Answer:
    """Other backends only say that they failed."""
    try:
        get_connection().send_messages([message])
    except Exception as error:  # noqa: BLE001 # whatever it raises: it names none
        return Answer(Verdict.LATER, words_of(error))
    return Answer(Verdict.ACCEPTED)


def words_of(error: Exception) -> str:
    """What is wrong, for staff to read."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _quote(error.smtp_code, _bytes(error.smtp_error))
    return harmless(f"{type(error).__name__}: {error}")


def harmless(text: str) -> str:
    """The beginning of a text, without anything that could be a link or part of one."""
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    words = ["…" if "/" in w or len(w) > LONGEST_WORD else w for w in visible.split()]
    return " ".join(words)[:LONGEST_NOTE]


def _quote(code: int, said: bytes) -> str:
    return harmless(f"{code} {said.decode(errors='replace')}")


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()
