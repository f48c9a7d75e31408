"""The load: requests made beforehand, sent over connections that stay open."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """What came of one call: seconds each request took, and the statuses of the answers."""

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
        """Answers that are none of success."""
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
    """Send the requests, each once, until they or the seconds are used up."""
    source = _Shared(iter(requests))
    outcome = Outcome()
    start = threading.Barrier(connections + 1)
    deadline = [0.0]
    threads = [
        threading.Thread(target=_work, args=(port, source, outcome, start, deadline))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    deadline[0] = began + seconds
    start.wait()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - began
    return outcome


class _Shared:
    """An iterator that threads may share."""

    def __init__(self, items: Iterator[bytes]) -> None:
        self._items, self._lock = items, threading.Lock()

    def take(self) -> bytes | None:
        with self._lock:
            return next(self._items, None)


def _work(
    port: int, source: _Shared, outcome: Outcome, start: threading.Barrier, deadline: list[float]
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start.wait()
        while time.perf_counter() < deadline[0] and (sent := source.take()):
            began = time.perf_counter()
            line.sendall(sent)
            status = _status_of_answer(line)
            outcome.latencies.append(time.perf_counter() - began)
            outcome.statuses[status] += 1


def _status_of_answer(line: socket.socket) -> int:
    """Read one whole answer; gives its status."""
    received = line.recv(65536)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += line.recv(65536)
    head = received[:end].lower()
    at = head.find(b"content-length:")
    missing = int(head[at + 15 :].split(b"\r\n", 1)[0]) - (len(received) - end - 4) if at > 0 else 0
    while missing > 0:
        missing -= len(line.recv(min(missing, 65536)))
    return int(received[9:12])
