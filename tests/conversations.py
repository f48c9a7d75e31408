"""LiveKit's side of a room: what its server posts to our webhook, in its own wire format."""

import base64
import hashlib
import json
import secrets
import time
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import jwt
import pytest
from django.test import Client

from accounts.models import User
from courses.models import CourseSession
from rooms.services.events import waiting_events
from settlement.services.listening import process_event

# Nobody listens there.
URL, KEY, SECRET = "ws://127.0.0.1:1", "APIkey", "s" * 40
CONFIGURED = {"LIVEKIT_URL": URL, "LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
PATH = "/api/webhooks/livekit"
MINUTE = timedelta(minutes=1)
_numbers = count()


@pytest.fixture
def configured(settings: Any) -> None:
    """There is a LiveKit, whose webhooks we hear."""
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)


def sign(body: bytes, *, secret: str = SECRET, key: str = KEY, lives: float = 300) -> str:
    """The token that LiveKit's server makes for a body."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    now = int(time.time())
    claims = {"iss": key, "nbf": now, "exp": int(now + lives), "sha256": digest}
    return jwt.encode(claims, secret, algorithm="HS256")


def post(body: bytes, token: str | None = None, **more: Any) -> Any:
    """Send a body to the webhook as LiveKit does, signed unless a token is given."""
    more.setdefault("content_type", "application/webhook+json")
    token = sign(body) if token is None else token
    return Client().post(PATH, data=body, HTTP_AUTHORIZATION=token, **more)


class Room:
    """A room in which things happen at minutes of a session's schedule."""

    def __init__(self, session: CourseSession) -> None:
        self.session = session
        self.sid = f"RM_{secrets.token_hex(6)}"
        self.connections: dict[User, tuple[str, float]] = {}

    def at(self, minute: float) -> datetime:
        return self.session.starts_at + minute * MINUTE

    def event(self, kind: str, minute: float, user: User | None = None) -> bytes:
        """The body of an event; `user` is in it with the connection that `join` gave."""
        seconds = int(self.at(minute).timestamp())
        wire: dict[str, Any] = {
            "event": kind,
            "room": {
                "sid": self.sid,
                "name": self.session.room_name,
                "emptyTimeout": 300,
                "departureTimeout": 20,
                "creationTime": str(int(self.at(-5).timestamp())),
                "turnPassword": "",
                "enabledCodecs": [{"mime": "video/VP8", "fmtpLine": ""}],
            },
            "id": f"EV_{next(_numbers)}_{secrets.token_hex(4)}",
            "createdAt": str(seconds),
        }
        if user:
            sid, since = self.connections[user]
            joined = self.at(since).timestamp()
            wire["participant"] = {
                "sid": sid,
                "identity": str(user.pk),
                "name": user.display_name,
                "state": "ACTIVE" if kind.endswith("joined") else "DISCONNECTED",
                "joinedAt": str(int(joined)),
                "joinedAtMs": str(int(joined * 1000)),
                "version": 2,
                "permission": {"canSubscribe": True, "canPublish": True, "canPublishData": True},
                "region": "eu",
                "isPublisher": False,
            }
        return json.dumps(wire).encode()

    def started(self, minute: float = -1) -> bytes:
        return self.event("room_started", minute)

    def finished(self, minute: float) -> bytes:
        return self.event("room_finished", minute)

    def joined(self, user: User, minute: float) -> bytes:
        """Each time a connection of its own, as LiveKit has it."""
        self.connections[user] = (f"PA_{secrets.token_hex(6)}", minute)
        return self.event("participant_joined", minute, user)

    def waits(self, user: User, minute: float) -> bytes:
        """The same with a pass of ours: nobody is let in yet."""
        wire = json.loads(self.joined(user, minute))
        wire["participant"]["permission"]["canSubscribe"] = False
        return json.dumps(wire).encode()

    def left(self, user: User, minute: float) -> bytes:
        return self.event("participant_left", minute, user)

    def put_out(self, user: User, minute: float) -> bytes:
        """The teacher, or whoever else may, ends somebody's connection."""
        return self.ended(user, minute, "PARTICIPANT_REMOVED")

    def ended(self, user: User, minute: float, reason: str) -> bytes:
        """Somebody's connection ends for a reason of LiveKit's."""
        wire = json.loads(self.left(user, minute))
        wire["participant"]["disconnectReason"] = reason
        return json.dumps(wire).encode()

    def visit(self, user: User, start: float, end: float) -> list[bytes]:
        """Somebody comes and goes."""
        return [self.joined(user, start), self.left(user, end)]

    def throughout(self, *bodies: bytes) -> list[bytes]:
        """These, in a room that was there for the whole session: so nobody else came."""
        return [self.started(), *bodies, self.finished(self.session.duration_minutes)]


def hear(*bodies: bytes) -> None:
    """Take events as LiveKit sends them, each answered 200."""
    for body in bodies:
        assert post(body).status_code == 200
    while waiting := waiting_events():
        for key in waiting:
            process_event(key)


def attend(session: CourseSession, *people: User, minutes: float = 60) -> Room:
    """These people were in a session's room from its start, for so many minutes."""
    room = Room(session)
    visits = [body for person in people for body in room.visit(person, 0, minutes)]
    hear(*room.throughout(*visits))
    return room
