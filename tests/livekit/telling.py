"""The webhooks of the small LiveKit: signed as the real one signs them, sent in order over HTTP."""

import secrets
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

from google.protobuf.json_format import MessageToJson
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.webhook import WebhookEvent

from tests.conversations import KEY, PATH, SECRET, sign
from tests.livekit import Tell

TYPE = "application/webhook+json"
PATIENCE_SECONDS = 15


@contextmanager
def telling(site: str, *, key: str = KEY, secret: str = SECRET) -> Iterator[Tell]:
    """Gives what tells a site of each event; at the end all of it was sent.

    From a thread of its own: our server may be waiting for LiveKit while it is told.
    """
    bodies: Queue[bytes | None] = Queue()

    def send() -> None:
        while body := bodies.get():
            token = sign(body, key=key, secret=secret)
            headers = {"Authorization": token, "Content-Type": TYPE}
            request = urllib.request.Request(f"{site}{PATH}", body, headers)
            urllib.request.urlopen(request, timeout=PATIENCE_SECONDS).close()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield lambda kind, room, somebody: bodies.put(_event(kind, room, somebody))
    finally:
        bodies.put(None)
        sender.join()


def _event(kind: str, room: Room, somebody: ParticipantInfo | None) -> bytes:
    at = int(time.time())
    event = WebhookEvent(event=kind, room=room, id=f"EV_{secrets.token_hex(6)}", created_at=at)
    event.room.creation_time = at
    if somebody:
        event.participant.CopyFrom(somebody)
        event.participant.joined_at = somebody.joined_at or at
    return MessageToJson(event).encode()
