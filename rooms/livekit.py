"""LiveKit, and the only importer of its library: room tokens, signed webhooks, who is in a room."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import aiohttp
from django.conf import settings
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from livekit import api
from livekit.api.room_service import RoomService
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from accounts.models import User
from rooms.errors import InvalidSignature, MalformedEvent, VideoNotConfigured

T = TypeVar("T")

# Students can be seen and heard; sharing a screen is for teachers.
STUDENT_SOURCES = ["camera", "microphone"]
LONGEST_ID = 100
SIGNED_FOR = timedelta(minutes=5)


class VideoUnreachable(Exception):
    """LiveKit gives no useful answer."""


class VideoRefused(VideoUnreachable):
    """LiveKit answers with a refusal; it may well answer the next question."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A person's connection to a room; LiveKit gives each its own id (`sid`).

    In a poll it is `active` once sound and picture can pass. In an event that means nothing:
    `participant_left` comes with one that was. One that ended may have been `removed`.
    """

    identity: str
    sid: str
    joined_at: datetime | None
    active: bool = field(default=True, compare=False)
    removed: bool = field(default=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class RoomEvent:
    """What LiveKit says happened in a room, and when; `connection` if it is about a person."""

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


def pass_into(room: str, user: User, *, runs_it: bool, lives: timedelta) -> Join:
    """A pass that lets the user into a room for this long; the teacher `runs_it`.

    People who are in the room stay when the pass expires.
    """
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        room_admin=runs_it or None,
        can_publish_sources=None if runs_it else STUDENT_SOURCES,
    )
    token = _new_token().with_identity(str(user.pk)).with_name(user.display_name)
    return Join(settings.LIVEKIT_URL, token.with_grants(grants).with_ttl(lives).to_jwt())


def receive(body: bytes, authorization: str) -> RoomEvent:
    """The event in a webhook's raw body, whose hash LiveKit's token signs.

    Raises `InvalidSignature` for anything not signed with our key or too old, `MalformedEvent` for
    a signed body that isn't an event, `VideoNotConfigured`.
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


def without_secrets(body: str) -> str:
    """The body of an event without the password of the room's relay."""
    said = json.loads(body)
    if isinstance(said.get("room"), dict):
        said["room"].pop("turnPassword", None)
    return json.dumps(said, separators=(",", ":"))


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


def open_rooms() -> dict[str, str]:
    """The id of each open room by name, including rooms that aren't ours.

    Asks LiveKit, as do all functions below. Raises `VideoNotConfigured`, and `VideoUnreachable` if
    there is no answer within `LIVEKIT_TIMEOUT_SECONDS`.
    """

    async def ask(service: RoomService) -> dict[str, str]:
        found = await service.list_rooms(api.ListRoomsRequest())
        return {room.name: room.sid for room in found.rooms}

    return _ask(ask)


def people_in(room: str, *, within: float | None = None) -> list[Connection]:
    """Who is connected to a room now; nobody if it isn't open.

    `within` this many seconds, if not the default, as for all below.
    """

    async def ask(service: RoomService) -> list[Connection]:
        found = await service.list_participants(api.ListParticipantsRequest(room=room))
        return [_connection(somebody) for somebody in found.participants]

    return _ask(ask, within)


def put_out(room: str, identities: Collection[str], *, within: float | None = None) -> None:
    """End the connections of these people to a room. A repeat changes nothing."""

    async def ask(service: RoomService) -> None:
        for identity in identities:
            somebody = api.RoomParticipantIdentity(room=room, identity=identity)
            await _unless_gone(service.remove_participant(somebody))

    _ask(ask, within)


def close_room(room: str, *, within: float | None = None) -> None:
    """End a room, and every connection to it. A repeat changes nothing."""

    async def ask(service: RoomService) -> None:
        await _unless_gone(service.delete_room(api.DeleteRoomRequest(room=room)))

    _ask(ask, within)


def _ask(question: Callable[[RoomService], Awaitable[T]], within: float | None = None) -> T:
    """Send a request to LiveKit's room service.

    It runs in its own loop, which waits for nothing once the time is up: the library's timeouts
    don't end a connection to a server that hangs, or a name lookup.
    """
    if not is_configured():
        raise VideoNotConfigured
    limit = settings.LIVEKIT_TIMEOUT_SECONDS if within is None else within
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_answered(question, limit))
    except api.ServerError as error:
        raise VideoRefused(str(error)) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise VideoUnreachable(str(error) or f"no answer within {limit:.1f} s") from error
    finally:
        loop.close()


async def _answered(question: Callable[[RoomService], Awaitable[T]], limit: float) -> T:
    credentials = (settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
    async with asyncio.timeout(limit), api.LiveKitAPI(*credentials, failover=False) as client:
        return await question(client.room)


async def _unless_gone(change: Awaitable[object]) -> None:
    try:
        await change
    except api.ServerError as error:
        if error.code != api.ServerErrorCode.NOT_FOUND:
            raise


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
    return Connection(
        identity=somebody.identity,
        sid=somebody.sid,
        joined_at=joined_at,
        active=somebody.state == ParticipantInfo.State.ACTIVE,
        removed=somebody.disconnect_reason == DisconnectReason.PARTICIPANT_REMOVED,
    )


def _moment(seconds: int) -> datetime | None:
    """None if it is missing, or out of range of the calendar.

    In whole seconds, as LiveKit gives the end of a connection, so both ends are rounded the same
    way.
    """
    if seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
