"""The load: requests made beforehand, sent over connections that stay open."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

# No answer takes this long; a server that is gone ends the run.
PATIENCE = 60


@dataclass
class Outcome:
    """The results of one call: the seconds that each request took, and the answers' statuses."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def errors(self) -> int:
        """Answers that aren't successful."""
        return sum(count for status, count in self.statuses.items() if status >= 300)

    def told(self) -> dict[str, int]:
        return {str(status): count for status, count in sorted(self.statuses.items())}

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def request(method: str, path: str, headers: dict[str, str], body: str = "") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()


def run(port: int, requests: Iterable[bytes], *, connections: int, seconds: float) -> Outcome:
    """Send the requests, each once, until they or the seconds are used up.

    Raises `OSError` if the server doesn't answer.
    """
    source = _Shared(iter(requests))
    outcome = Outcome()
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

    def __init__(self, items: Iterator[bytes]) -> None:
        self._items, self._lock = items, threading.Lock()

    def take(self) -> bytes | None:
        with self._lock:
            return next(self._items, None)


def _work(line: socket.socket, source: _Shared, outcome: Outcome, deadline: float) -> None:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while time.perf_counter() < deadline and (sent := source.take()):
        began = time.perf_counter()
        line.sendall(sent)
        status = _status_of_answer(line)
        outcome.latencies.append(time.perf_counter() - began)
        outcome.statuses[status] += 1


def _status_of_answer(line: socket.socket) -> int:
    """Read one whole answer; gives its status."""
    received = _receive(line)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _receive(line)
    head = received[:end].lower()
    at = head.find(b"content-length:")
    missing = int(head[at + 15 :].split(b"\r\n", 1)[0]) - (len(received) - end - 4) if at > 0 else 0
    while missing > 0:
        missing -= len(_receive(line, min(missing, 65536)))
    return int(received[9:12])


def _receive(line: socket.socket, most: int = 65536) -> bytes:
    if received := line.recv(most):
        return received
    raise ConnectionError("The server ended the connection.")
