"""The real LiveKit that script/with-livekit has started: ended, stopped, started again."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.livekit.line import Line, line

HERE, ANOTHER_ADDRESS = "127.0.0.1", "127.0.0.2"


class RealLiveKit:
    """The server with its configuration; it is the same to everybody after a new start."""

    def __init__(self) -> None:
        self.pid = int(os.environ["LIVEKIT_PID"])
        self.config = Path(os.environ["LIVEKIT_CONFIG"])
        self.program = os.environ.get("LIVEKIT_SERVER", "livekit-server")
        self.started: list[subprocess.Popen[bytes]] = []
        self.address = urlsplit(os.environ["LIVEKIT_URL"])

    def kill(self) -> None:
        """End it at once, without a word to anybody."""
        os.kill(self.pid, signal.SIGKILL)
        while self._listens():
            time.sleep(0.02)

    def reap(self) -> None:
        """Take note of the end of those that were started again."""
        for process in self.started:
            process.kill()
            process.wait()

    def start(self) -> None:
        """Start it again, as it was."""
        quiet = os.environ.copy()
        quiet.pop("LIVEKIT_CONFIG")  # it would take the text of a configuration from there
        process = subprocess.Popen(
            [self.program, "--config", str(self.config)],
            env=quiet,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.started.append(process)
        self.pid = process.pid
        while not self._listens():
            assert process.poll() is None, "LiveKit does not start"
            time.sleep(0.02)

    def make_rooms_by_itself(self, value: bool) -> None:
        """Have it open a room for whoever has a pass, or not."""
        self._configure(auto_create=str(value).lower())

    @contextmanager
    def behind_a_line(self) -> Iterator[Line]:
        """Sound and picture come and go by a line of the test, at another address of this machine.

        Linux alone has that without being told. By TCP they could go round it.
        """
        ports = dict(re.findall(r"(\w+_port): (\d+)", self.config.read_text()))
        port = int(ports["udp_port"])
        with line((ANOTHER_ADDRESS, port), (HERE, port)) as opened:
            self._configure(node_ip=ANOTHER_ADDRESS, tcp_port="0")
            try:
                yield opened
            finally:
                self._configure(node_ip=HERE, tcp_port=ports["tcp_port"])

    def _configure(self, **values: str) -> None:
        changed = text = self.config.read_text()
        for name, value in values.items():
            changed = re.sub(rf"{name}: [\w.]+", f"{name}: {value}", changed)
        if changed != text:
            self.config.write_text(changed)
            self.kill()
            self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It takes connections, and says nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def _listens(self) -> bool:
        try:
            socket.create_connection((self.address.hostname, self.address.port), 1).close()
        except OSError:
            return False
        return True
