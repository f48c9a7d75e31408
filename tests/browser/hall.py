"""What passes between browsers in a room without LiveKit: the test relays it, and plays others."""

import json
import time
from typing import Any

import jwt
from playwright.sync_api import BrowserContext, Route, WebSocketRoute

from accounts.models import User
from tests.test_architecture import ROOT

DOUBLE = (ROOT / "tests" / "browser" / "double.js").read_text()


class Hall:
    """A room of browsers that have LiveKit's client from `double.js`, by their passes' identities.

    Others are there because the test says so; `said` is what browsers sent as data, `devices` what
    each of them would use, by kind.
    """

    def __init__(self) -> None:
        self.lines: dict[str, WebSocketRoute] = {}
        self.people: dict[str, dict[str, Any]] = {}
        self.said: list[dict[str, Any]] = []
        self.devices: dict[str, dict[str, Any]] = {}
        self.shut = False
        # Why LiveKit ends the connections of those who are about to come in.
        self.turns_away = 0

    def open_to(self, context: BrowserContext) -> None:
        context.route("**/vendor/livekit-client*.js", self._give_double)
        context.route_web_socket("**/double", self._answer)

    def enter(self, user: User, **seen: Any) -> None:
        """Somebody comes in, or changes what can be seen of them."""
        self._show({"identity": str(user.pk), **seen})

    def go(self, user: User) -> None:
        self._gone(str(user.pk))

    def write(self, user: User, topic: str, **message: Any) -> None:
        """Somebody sends data to all."""
        said = {"type": "data", "from": str(user.pk), "topic": topic, "text": json.dumps(message)}
        self._tell_all(said)

    def speak(self, *users: User) -> None:
        self._tell_all({"type": "speaking", "identities": [str(user.pk) for user in users]})

    def tell(self, user: User, kind: str, **more: Any) -> None:
        """Something happens to a browser's own connection."""
        self.lines[str(user.pk)].send(json.dumps({"type": kind, **more}))

    def put_out(self, user: User, reason: int) -> None:
        """LiveKit ends a connection, unless that has just ended itself, and says why."""
        if line := self.lines.pop(str(user.pk), None):
            self._gone(str(user.pk))
            line.send(json.dumps({"type": "out", "reason": reason}))

    def _give_double(self, route: Route) -> None:
        route.fulfill(body=DOUBLE, content_type="text/javascript")

    def _answer(self, line: WebSocketRoute) -> None:
        line.on_message(lambda message: self._hear(line, json.loads(message)))
        line.on_close(lambda *_: self._closed(line))

    def _hear(self, line: WebSocketRoute, message: dict[str, Any]) -> None:
        if message["type"] == "join":
            self._let_in(line, message["token"])
            return
        identity = next((key for key, other in self.lines.items() if other is line), None)
        if identity is None:
            return
        if message["type"] == "data":
            self.said.append({**message, "from": identity})
            wanted = message["to"] or [key for key in self.lines if key != identity]
            for key in wanted:
                if key in self.lines:
                    self.lines[key].send(json.dumps({**message, "from": identity}))
        elif message["type"] == "device":
            self.devices.setdefault(identity, {})[message["kind"]] = message.get("id")
        else:
            self._show({**message, "identity": identity})

    def _let_in(self, line: WebSocketRoute, token: str) -> None:
        if self.shut:
            line.close()
            return
        if self.turns_away:
            line.send(json.dumps({"type": "out", "reason": self.turns_away}))
            return
        identity = jwt.decode(token, options={"verify_signature": False})["sub"]
        if before := self.lines.pop(identity, None):
            before.send(json.dumps({"type": "out", "reason": 2}))
            self._gone(identity)
        people = list(self.people.values())
        line.send(json.dumps({"type": "joined", "identity": identity, "people": people}))
        self.lines[identity] = line
        self._show({"identity": identity, "joinedAt": int(time.time() * 1000)})

    def _show(self, seen: dict[str, Any]) -> None:
        identity = seen["identity"]
        known = self.people.setdefault(identity, {"joinedAt": 1})
        known.update({key: value for key, value in seen.items() if key != "type"})
        self._tell_all({"type": "person", **seen, "joinedAt": known["joinedAt"]}, apart=identity)

    def _gone(self, identity: str) -> None:
        if self.people.pop(identity, None):
            self._tell_all({"type": "gone", "identity": identity})

    def _tell_all(self, message: dict[str, Any], apart: str = "") -> None:
        for identity, line in list(self.lines.items()):
            if identity != apart:
                line.send(json.dumps(message))

    def _closed(self, line: WebSocketRoute) -> None:
        for identity, other in list(self.lines.items()):
            if other is line:
                del self.lines[identity]
                self._gone(identity)
