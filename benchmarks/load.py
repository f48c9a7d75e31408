"""The load: requests made beforehand, sent over connections that stay open, as browsers do."""

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.figures import Figures

# No answer takes this long; a server that is gone ends the run.
PATIENCE = 60
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ALWAYS = {
    "User-Agent": AGENT,
    "Accept-Language": "en-GB,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Connection": "keep-alive",
}
# What a browser sends with a page that it opens, and what with a script's call.
PAGE = ALWAYS | {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
}
SCRIPT = ALWAYS | {
    "Accept": "application/json",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
}
# What differs each time that a page is made.
FRESH = re.compile(rb'(?<= value=")\w{64}(?=")')


class Request(NamedTuple):
    """What is sent, and what has to be in the body of a success."""

    sent: bytes
    holds: bytes = b""


@dataclass
class Outcome:
    """The results of one call: the seconds that each request took, and the answers' statuses.

    `wrong` counts the successes whose body is not as expected: it lacks what it has to hold, or,
    where nothing changes meanwhile (`same`), differs from the first answer to the same question.
    """

    same: bool = False

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    _bodies: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, request: Request, seconds: float, status: int, body: bytes) -> None:
        """Count an answer."""
        self.latencies.append(seconds)
        self.statuses[status] += 1
        if status < 300 and not (request.holds in body and self._is_as_before(request, body)):
            self.wrong += 1

    def _is_as_before(self, request: Request, body: bytes) -> bool:
        if not self.same:
            return True
        lasting = FRESH.sub(b"", body)
        return self._bodies.setdefault(request.sent, lasting) == lasting

    @property
    def requests(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def errors(self) -> int:
        """Answers that aren't successful, or aren't what was asked for."""
        refused = sum(count for status, count in self.statuses.items() if status >= 300)
        return refused + self.wrong

    def figures(self) -> Figures:
        """What is told of it: a second, milliseconds, answers."""
        return {
            "rate": self.rate,
            "p50": self.percentile(0.50),
            "p95": self.percentile(0.95),
            "p99": self.percentile(0.99),
            "errors": self.errors,
        }

    def told(self) -> dict[str, int]:
        return {str(status): count for status, count in sorted(self.statuses.items())}

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def request(
    method: str, path: str, headers: dict[str, str], body: str = "", *, holds: str = ""
) -> Request:
    """One request as a browser sends it: a page's, or a script's to the API."""
    headers = (SCRIPT if path.startswith("/api/") else PAGE) | headers
    if method != "GET":
        headers["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return Request("\r\n".join([*lines, "", body]).encode(), holds.encode())


def run(
    port: int,
    requests: Iterable[Request],
    *,
    connections: int,
    seconds: float,
    same: bool = False,
) -> Outcome:
    """Send the requests, each once, until they or the seconds are used up.

    Raises `OSError` if the server doesn't answer.
    """
    source = _Shared(iter(requests))
    outcome = Outcome(same)
    with ExitStack() as open_lines, ThreadPoolExecutor(connections) as pool:
        lines = [
            open_lines.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
            for _ in range(connections)
        ]
        began = time.perf_counter()
        work = [pool.submit(_work, line, source, outcome, began + seconds) for line in lines]
        for done in work:
            done.result()
        outcome.seconds = time.perf_counter() - began
    return outcome


class _Shared:
    """An iterator that threads may share."""

    def __init__(self, items: Iterator[Request]) -> None:
        self._items, self._lock = items, threading.Lock()

    def take(self) -> Request | None:
        with self._lock:
            return next(self._items, None)


def _work(line: socket.socket, source: _Shared, outcome: Outcome, deadline: float) -> None:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # One at least: slow answers must not look like none.
    while request := source.take():
        began = time.perf_counter()
        line.sendall(request.sent)
        status, body = _answer(line)
        answered = time.perf_counter()
        outcome.add(request, answered - began, status, body)
        if answered > deadline:
            break


def _answer(line: socket.socket) -> tuple[int, bytes]:
    """Read one whole answer; gives its status and its body."""
    received = _receive(line)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _receive(line)
    head = received[:end].lower()
    at = head.find(b"content-length:")
    body = bytearray(received[end + 4 :])
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at > 0 else 0
    while len(body) < length or (b": chunked" in head and not body.endswith(b"\r\n0\r\n\r\n")):
        body += _receive(line)
    return int(received[9:12]), bytes(body)


def _receive(line: socket.socket) -> bytes:
    if received := line.recv(65536):
        return received
    raise ConnectionError("The server ended the connection.")
