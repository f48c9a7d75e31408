"""A small LiveKit: its room service on the wire, with rooms that people come into and leave.

What happens there it tells whoever listens, as the real one does by its webhooks.
"""

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import jwt
from google.protobuf.message import Message
from livekit.protocol import room as wire
from livekit.protocol.models import (
    DisconnectReason,
    ParticipantInfo,
    ParticipantPermission,
    Room,
    TrackInfo,
    TrackSource,
)

from tests.conversations import SECRET
from tests.listening import listening

ACTIVE, GONE = ParticipantInfo.State.ACTIVE, ParticipantInfo.State.DISCONNECTED
Tell = Callable[[str, Room, ParticipantInfo | None], None]
GRANTS = {
    "CreateRoom": "roomCreate",
    "GetParticipant": "roomAdmin",
    "UpdateParticipant": "roomAdmin",
    "MutePublishedTrack": "roomAdmin",
    "ListRooms": "roomList",
    "ListParticipants": "roomAdmin",
    "RemoveParticipant": "roomAdmin",
    "DeleteRoom": "roomCreate",
}


class LiveKit:
    """Rooms by name, each with its id and who is connected; `asked` are the calls, in order.

    `kept_open` are the seconds for which a room was made to stay open without anybody in it.
    """

    def __init__(self, tell: Tell = lambda kind, room, somebody: None) -> None:
        self.tell = tell
        self.kept_open: dict[str, int] = {}
        self.rooms: dict[str, tuple[str, list[ParticipantInfo]]] = {}
        self.asked: list[str] = []

    def open(self, name: str) -> str:
        """Open a room, unless it is; gives its id."""
        if name not in self.rooms:
            self.rooms[name] = (f"RM_{secrets.token_hex(6)}", [])
            self.tell("room_started", self._room(name), None)
        return self.rooms[name][0]

    def enter(self, name: str, who: Any, **more: Any) -> str:
        """Somebody, a user or another identity, enters a room; gives the connection's id."""
        self.open(name)
        more = {"sid": f"PA_{secrets.token_hex(6)}", "state": ACTIVE} | more
        somebody = ParticipantInfo(identity=str(getattr(who, "pk", who)), **more)
        self.rooms[name][1].append(somebody)
        self.tell("participant_joined", self._room(name), somebody)
        return somebody.sid

    def leave(self, name: str, who: Any, reason: str = "CLIENT_INITIATED") -> None:
        """Somebody's connection ends, for one of LiveKit's reasons."""
        if somebody := self._find(name, str(getattr(who, "pk", who))):
            self.rooms[name][1].remove(somebody)
            somebody.state, somebody.disconnect_reason = GONE, DisconnectReason.Value(reason)
            self.tell("participant_left", self._room(name), somebody)

    def wait(self, name: str, who: Any) -> str:
        """Somebody enters with a pass of ours, and receives nothing yet."""
        return self.enter(name, who, permission=ParticipantPermission(can_publish=True))

    def receiving(self, name: str) -> list[str]:
        """The identities of those in a room who see and hear the others."""
        people = self.rooms[name][1]
        return [one.identity for one in people if one.permission.can_subscribe]

    def inside(self, name: str) -> list[str]:
        """The identities of those who are in a room; none where it is closed."""
        return [somebody.identity for somebody in self.rooms.get(name, ("", []))[1]]

    def publish(self, name: str, who: Any, *sources: str) -> None:
        """Somebody in a room shows or says something."""
        for source in sources:
            sid = f"TR_{secrets.token_hex(6)}"
            track = TrackInfo(sid=sid, source=TrackSource.Value(source))
            self._find(name, str(who.pk)).tracks.append(track)

    def muted(self, name: str, who: Any) -> list[str]:
        """What somebody publishes muted."""
        tracks = self._find(name, str(who.pk)).tracks
        return [TrackSource.Name(track.source) for track in tracks if track.muted]

    def allowed(self, name: str, who: Any) -> list[str]:
        """What somebody may publish."""
        allowed = self._find(name, str(who.pk)).permission.can_publish_sources
        return [TrackSource.Name(source) for source in allowed]

    def _room(self, name: str) -> Room:
        return Room(name=name, sid=self.rooms[name][0])

    def _find(self, name: str, identity: str) -> ParticipantInfo | None:
        people = self.rooms.get(name, ("", []))[1]
        return next((one for one in people if one.identity == identity), None)

    def answer(self, call: str, body: bytes) -> Message | None:
        """What LiveKit answers to a call; None for what is not there."""
        request, answer = self.calls[call]
        return answer(self, request.FromString(body))

    def list_rooms(self, _: wire.ListRoomsRequest) -> Message:
        return wire.ListRoomsResponse(rooms=[self._room(name) for name in self.rooms])

    def create_room(self, asked: wire.CreateRoomRequest) -> Message:
        if asked.name not in self.rooms:
            self.kept_open[asked.name] = asked.empty_timeout
        self.open(asked.name)
        return self._room(asked.name)

    def delete_room(self, asked: wire.DeleteRoomRequest) -> Message | None:
        if asked.room not in self.rooms:
            return None
        for identity in self.inside(asked.room):
            self.leave(asked.room, identity, "ROOM_DELETED")
        self.tell("room_finished", self._room(asked.room), None)
        del self.rooms[asked.room]
        return wire.DeleteRoomResponse()

    def list_participants(self, asked: wire.ListParticipantsRequest) -> Message:
        people = self.rooms.get(asked.room, ("", []))[1]
        return wire.ListParticipantsResponse(participants=people)

    def get_participant(self, asked: wire.RoomParticipantIdentity) -> Message | None:
        return self._find(asked.room, asked.identity)

    def update_participant(self, asked: wire.UpdateParticipantRequest) -> Message | None:
        if somebody := self._find(asked.room, asked.identity):
            somebody.permission.CopyFrom(asked.permission)
        return somebody

    def mute_track(self, asked: wire.MuteRoomTrackRequest) -> Message | None:
        somebody = self._find(asked.room, asked.identity)
        for track in somebody.tracks if somebody else ():
            if track.sid == asked.track_sid:
                track.muted = asked.muted
                return wire.MuteRoomTrackResponse(track=track)
        return None

    def remove_participant(self, asked: wire.RoomParticipantIdentity) -> Message | None:
        if self._find(asked.room, asked.identity) is None:
            return None
        self.leave(asked.room, asked.identity, "PARTICIPANT_REMOVED")
        return wire.RemoveParticipantResponse()

    calls: ClassVar[dict[str, tuple[type[Message], Callable[..., Message | None]]]] = {
        "ListRooms": (wire.ListRoomsRequest, list_rooms),
        "CreateRoom": (wire.CreateRoomRequest, create_room),
        "DeleteRoom": (wire.DeleteRoomRequest, delete_room),
        "ListParticipants": (wire.ListParticipantsRequest, list_participants),
        "GetParticipant": (wire.RoomParticipantIdentity, get_participant),
        "UpdateParticipant": (wire.UpdateParticipantRequest, update_participant),
        "MutePublishedTrack": (wire.MuteRoomTrackRequest, mute_track),
        "RemoveParticipant": (wire.RoomParticipantIdentity, remove_participant),
    }


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
            # Who asked may have given up waiting.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(said)

        def log_message(self, *args: Any) -> None:
            pass

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield address.replace("http", "ws")


@contextmanager
def standing_still() -> Iterator[str]:
    """Gives the address of a server that takes connections and says nothing: it was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}"
