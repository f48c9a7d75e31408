"""The line between browsers and LiveKit, for sound and picture, which a test can cut."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LARGEST = 65_536
Address = tuple[str, int]


class Line:
    """Passes datagrams on from where browsers send them to where LiveKit listens, and back.

    `senders` are the browsers' addresses, in the order in which they came. Of those that are `cut`
    nothing gets through, in either direction.
    """

    def __init__(self, front: Address, back: Address) -> None:
        self.back = back
        self.senders: dict[Address, socket.socket] = {}
        self.cut: set[Address] | None = None
        self.front = _open()
        self.front.bind(front)
        self.known = selectors.DefaultSelector()
        self.known.register(self.front, selectors.EVENT_READ)
        self.open = True

    def cut_after(self, number: int) -> None:
        """Cut off all but the first so many, and whoever else would come."""
        self.cut = set(list(self.senders)[number:])

    def mend(self) -> None:
        self.cut = None

    def run(self) -> None:
        while self.open:
            for key, _ in self.known.select(timeout=0.2):
                # Refused where LiveKit is away for a moment.
                with suppress(ConnectionError):
                    if key.fileobj is self.front:
                        self._send()
                    else:
                        self._answer(key.data)

    def close(self) -> None:
        self.known.close()
        for one in (self.front, *self.senders.values()):
            one.close()

    def _send(self) -> None:
        data, sender = self.front.recvfrom(LARGEST)
        if self.cut is not None and (sender in self.cut or sender not in self.senders):
            return
        if sender not in self.senders:
            out = _open()
            out.connect(self.back)
            self.known.register(out, selectors.EVENT_READ, sender)
            self.senders[sender] = out
        self.senders[sender].send(data)

    def _answer(self, sender: Address) -> None:
        data = self.senders[sender].recv(LARGEST)
        if self.cut is None or sender not in self.cut:
            self.front.sendto(data, sender)


@contextmanager
def line(front: Address, back: Address) -> Iterator[Line]:
    """Gives a line between the two."""
    line = Line(front, back)
    thread = threading.Thread(target=line.run)
    thread.start()
    try:
        yield line
    finally:
        line.open = False
        thread.join()
        line.close()


def _open() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
