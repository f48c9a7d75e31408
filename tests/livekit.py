"""A small LiveKit: its room service on the wire, with rooms that people come into and leave."""

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from google.protobuf.message import Message
from livekit.protocol import room as wire
from livekit.protocol.models import ParticipantInfo, Room

from tests.conversations import SECRET

ACTIVE = ParticipantInfo.State.ACTIVE
GRANTS = {
    "ListRooms": "roomList",
    "ListParticipants": "roomAdmin",
    "RemoveParticipant": "roomAdmin",
    "DeleteRoom": "roomCreate",
}


class LiveKit:
    """Rooms by name, each with its id and who is connected; `asked` are the calls, in order."""

    def __init__(self) -> None:
        self.rooms: dict[str, tuple[str, list[ParticipantInfo]]] = {}
        self.asked: list[str] = []

    def open(self, name: str) -> str:
        """Open a room, unless it is; gives its id."""
        return self.rooms.setdefault(name, (f"RM_{secrets.token_hex(6)}", []))[0]

    def enter(self, name: str, who: Any, **more: Any) -> str:
        """Somebody, a user or another identity, enters a room; gives the connection's id."""
        self.open(name)
        more = {"sid": f"PA_{secrets.token_hex(6)}", "state": ACTIVE} | more
        somebody = ParticipantInfo(identity=str(getattr(who, "pk", who)), **more)
        self.rooms[name][1].append(somebody)
        return somebody.sid

    def inside(self, name: str) -> list[str]:
        """The identities of those who are in a room; none where it is closed."""
        return [somebody.identity for somebody in self.rooms.get(name, ("", []))[1]]

    def answer(self, call: str, body: bytes) -> Message | None:
        """What LiveKit answers to a call; None for what is not there."""
        if call == "ListRooms":
            rooms = [Room(name=name, sid=sid) for name, (sid, _) in self.rooms.items()]
            return wire.ListRoomsResponse(rooms=rooms)
        if call == "ListParticipants":
            name = wire.ListParticipantsRequest.FromString(body).room
            return wire.ListParticipantsResponse(participants=self.rooms.get(name, ("", []))[1])
        if call == "DeleteRoom":
            gone = self.rooms.pop(wire.DeleteRoomRequest.FromString(body).room, None)
            return wire.DeleteRoomResponse() if gone else None
        wanted = wire.RoomParticipantIdentity.FromString(body)
        _, people = self.rooms.get(wanted.room, ("", []))
        found = [somebody for somebody in people if somebody.identity == wanted.identity]
        for somebody in found:
            people.remove(somebody)
        return wire.RemoveParticipantResponse() if found else None


@contextmanager
def serving(livekit: LiveKit) -> Iterator[str]:
    """Gives the address at which a LiveKit answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            call = self.path.rpartition("/")[2]
            token = self.headers["Authorization"].removeprefix("Bearer ")
            assert jwt.decode(token, SECRET, algorithms=["HS256"])["video"][GRANTS[call]]
            livekit.asked.append(call)
            answer = livekit.answer(call, body)
            self.send_response(404 if answer is None else 200)
            said = b'{"code": "not_found"}' if answer is None else answer.SerializeToString()
            kind = "json" if answer is None else "protobuf"
            self.send_header("Content-Type", f"application/{kind}")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def standing_still() -> Iterator[str]:
    """Gives the address of a server that takes connections and says nothing: it was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}"
