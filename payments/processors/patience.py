"""How long we wait for an answer: for all of it, however slowly it comes."""

from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from time import monotonic
from typing import TYPE_CHECKING, Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def patient_session() -> Session:
    """One whose time-out for reading holds for the whole answer; by itself it holds for each read.

    Who sends a byte now and then would otherwise keep us for as long as they like.
    """
    session = Session()
    for scheme in CONNECTIONS:
        session.mount(f"{scheme}://", _Adapter())
    return session


class _UntilThen(RawIOBase):
    """What comes of a line within its time-out from now."""

    def __init__(self, raw: RawIOBase, line: socket) -> None:
        self.raw, self.line = raw, line
        self.until = monotonic() + (line.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        left = self.until - monotonic()
        if left <= 0:
            raise TimeoutError("The answer did not come whole in time.")
        self.line.settimeout(left)
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()


class _Answer(HTTPResponse):
    fp: BufferedReader

    def __init__(self, sock: socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(sock, debuglevel, method)
        self.fp = BufferedReader(_UntilThen(self.fp.detach(), sock))


class _Plain(HTTPConnection):
    response_class = _Answer


class _Secure(HTTPSConnection):
    response_class = _Answer


CONNECTIONS = {"http": _Plain, "https": _Secure}


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = CONNECTIONS[pool.scheme]
        return pool
