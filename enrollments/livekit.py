"""LiveKit, and the only importer of its library: room tokens, signed webhooks, who is in a room."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
from asgiref.sync import async_to_sync
from django.conf import settings
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from livekit import api
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from accounts.models import User
from courses.models import CourseSession
from enrollments.access import Access, AccessReason
from enrollments.errors import InvalidSignature, MalformedEvent, VideoNotConfigured

# A student shows and says something; sharing a screen is for teachers.
STUDENT_SOURCES = ["camera", "microphone"]
LONGEST_ID = 100
SIGNED_FOR = timedelta(minutes=5)


class VideoUnreachable(Exception):
    """LiveKit gives no answer that says anything."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Somebody's connection to a room: LiveKit names each with an id (`sid`) of its own."""

    identity: str
    sid: str
    joined_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class RoomEvent:
    """What LiveKit says happened in a room, and when; `connection` where it is about somebody."""

    id: str
    kind: str
    room_name: str
    room_sid: str
    occurred_at: datetime | None
    connection: Connection | None = None


@dataclass(frozen=True)
class Join:
    """What a browser needs to enter a room."""

    url: str
    token: str


def is_configured() -> bool:
    """Whether there is a LiveKit server to talk to."""
    return bool(settings.LIVEKIT_URL)


def join_of(session: CourseSession, user: User, access: Access, *, now: datetime) -> Join | None:
    """What lets the user into the session's room until it ends: its teacher runs the room.

    None while the room is closed to the user, and without video.
    """
    is_open = access.opens_at <= now < access.closes_at
    if not (is_configured() and access.has_access and is_open):
        return None
    teaches = access.reason == AccessReason.TEACHER
    grants = api.VideoGrants(
        room_join=True,
        room=session.room_name,
        room_admin=teaches or None,
        can_publish_sources=None if teaches else STUDENT_SOURCES,
    )
    token = _new_token().with_identity(str(user.pk)).with_name(user.display_name)
    token = token.with_grants(grants).with_ttl(session.ends_at - now)
    return Join(settings.LIVEKIT_URL, token.to_jwt())


def receive(body: bytes, authorization: str) -> RoomEvent:
    """The event in a webhook's raw body, whose hash the token of LiveKit's signs.

    Raises `InvalidSignature` for anything not signed with our key or too old, `MalformedEvent`
    for what is signed but no event, `VideoNotConfigured`.
    """
    if not is_configured():
        raise VideoNotConfigured
    verifier = api.TokenVerifier(settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
    try:
        event = api.WebhookReceiver(verifier).receive(body.decode(), authorization)
    except ParseError as error:
        raise MalformedEvent from error
    except Exception as error:  # the library itself raises that class
        raise InvalidSignature from error
    if (
        not 0 < len(event.id) <= LONGEST_ID
        or max(len(event.event), len(event.room.sid)) > LONGEST_ID
    ):
        raise MalformedEvent
    return _from_wire(event)


def read(body: str) -> RoomEvent:
    """The event in a body that `receive` has seen."""
    return _from_wire(Parse(body, WebhookEvent(), ignore_unknown_fields=True))


def write(event: RoomEvent) -> str:
    """The body that LiveKit sends for an event."""
    wire = WebhookEvent(event=event.kind, id=event.id)
    wire.room.name, wire.room.sid = event.room_name, event.room_sid
    if event.occurred_at:
        wire.created_at = int(event.occurred_at.timestamp())
    if somebody := event.connection:
        wire.participant.identity, wire.participant.sid = somebody.identity, somebody.sid
        wire.participant.state = ParticipantInfo.State.ACTIVE
        if somebody.joined_at:
            wire.participant.joined_at = int(somebody.joined_at.timestamp())
            wire.participant.joined_at_ms = int(somebody.joined_at.timestamp() * 1000)
    return MessageToJson(wire, indent=None)


def sign(body: str) -> str:
    """The `Authorization` that LiveKit sends with a body. Raises `VideoNotConfigured`."""
    if not is_configured():
        raise VideoNotConfigured
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    return _new_token().with_sha256(digest).with_ttl(SIGNED_FOR).to_jwt()


def connections_in(rooms: Sequence[str]) -> dict[str, tuple[str, list[Connection]]]:
    """Of these rooms those that are open now: their id, and who is connected to each.

    Asks LiveKit. Raises `VideoNotConfigured`, and `VideoUnreachable` without an answer.
    """
    if not is_configured():
        raise VideoNotConfigured
    try:
        return async_to_sync(_connections_in)(rooms)
    except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
        raise VideoUnreachable(str(error)) from error


async def _connections_in(rooms: Sequence[str]) -> dict[str, tuple[str, list[Connection]]]:
    credentials = (settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
    async with api.LiveKitAPI(*credentials) as client:
        found = await client.room.list_rooms(api.ListRoomsRequest(names=rooms))
        open_now = {}
        for room in found.rooms:
            wanted = api.ListParticipantsRequest(room=room.name)
            people = await client.room.list_participants(wanted)
            open_now[room.name] = (room.sid, [_connection(one) for one in people.participants])
        return open_now


def _new_token() -> api.AccessToken:
    return api.AccessToken(settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)


def _from_wire(event: WebhookEvent) -> RoomEvent:
    return RoomEvent(
        id=event.id,
        kind=event.event,
        room_name=event.room.name,
        room_sid=event.room.sid,
        occurred_at=_moment(event.created_at),
        connection=_connection(event.participant) if event.HasField("participant") else None,
    )


def _connection(somebody: ParticipantInfo) -> Connection:
    joined_at = _moment(somebody.joined_at)
    return Connection(identity=somebody.identity, sid=somebody.sid, joined_at=joined_at)


def _moment(seconds: int) -> datetime | None:
    """None for what was not said, or lies beyond all calendars.

    Whole seconds, as LiveKit gives the end of a connection: both ends are cut alike.
    """
    if seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
